"""The Gymnasium environments."""

from blampert_env.envs.campaign import CampaignEnv
from blampert_env.envs.code_edit import CodeEditEnv
from blampert_env.envs.encoding import Utf8Text
from blampert_env.envs.spaces import SourceText
from blampert_env.envs.strategy import StepRecord, StrategyEnv, policy_spaces
from blampert_env.envs.suite import SuiteEnv

__all__ = [
    "CampaignEnv",
    "CodeEditEnv",
    "SourceText",
    "StepRecord",
    "StrategyEnv",
    "SuiteEnv",
    "Utf8Text",
    "policy_spaces",
]
