"""`UnstackableError`: why trials cannot be trained as one stack."""


class UnstackableError(Exception):
    """Trials cannot be stacked, or no further; the text can follow "cannot be stacked: ".

    It never leaves the engine, which trains the trials one after another instead.
    """
