"""The policy layer: agents that pick a strategy each step, one algorithm a file.

::

    agent = make_agent("ppo", env.observation_space, env.action_space, seed=0)
    action = agent.act(observation, mask, rng)      # per step, from any thread
    metrics = agent.learn(episodes)                 # after each iteration
    agent.save(path); agent = load_agent(path)

Agents know the Gymnasium API and nothing of grading or language models. Importing this package loads neither torch nor
Stable-Baselines3; making an agent that needs them does.
"""

from __future__ import annotations

from blampert_agents.hyperparams import load_hyperparams
from blampert_agents.protocol import Agent, AgentSpec, Episode, Values, ValuingAgent
from blampert_agents.registry import ALGOS, load_agent, make_agent

__all__ = [
    "ALGOS",
    "Agent",
    "AgentSpec",
    "Episode",
    "Values",
    "ValuingAgent",
    "load_agent",
    "load_hyperparams",
    "make_agent",
]
