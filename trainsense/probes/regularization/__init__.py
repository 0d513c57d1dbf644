"""How strongly weight decay and penalties pull at the parameters of a live model, beside what its data asks for."""

from trainsense.probes.regularization.decay import DecaySums, DecayWatch
from trainsense.probes.regularization.decoupling import is_decoupled
from trainsense.probes.regularization.penalty import Penalty, Scalars, Term, penalty, without

__all__ = ["DecaySums", "DecayWatch", "Penalty", "Scalars", "Term", "is_decoupled", "penalty", "without"]
