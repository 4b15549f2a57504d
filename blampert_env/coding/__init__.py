"""From a context to an edit: strategies, prompts (DSPy signatures and the fenced-code adapter) and the Coder."""

from blampert_env.coding.coder import Coder, Proposal, Question
from blampert_env.coding.context import CodingContext
from blampert_env.coding.strategies import Strategy, earlier_draws, load_strategies

__all__ = ["Coder", "CodingContext", "Proposal", "Question", "Strategy", "earlier_draws", "load_strategies"]
