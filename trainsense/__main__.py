"""`python -m trainsense`."""

from trainsense.cli.main import main

if __name__ == "__main__":  # worker processes that are spawned import this file again
    main()
