"""Orders the stages, judges their evidence, assembles the `Report`."""

from trainsense.diagnosis.diagnosis import Diagnosis, run_diagnosis

__all__ = ["Diagnosis", "run_diagnosis"]
