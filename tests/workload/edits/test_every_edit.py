"""What holds for every edit of every architecture."""

import copy
import gc
import random
import weakref
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tests.workload.edits.architectures import ARCHITECTURES, Architecture
from trainsense.records.settings import MODEL_EDITS
from trainsense.workload.edits import EDITS, Change, plan_edit

PAIRS = [pytest.param(one, edit, id=f"{one.name}-{edit}") for one in ARCHITECTURES for edit in EDITS]


def built(architecture: Architecture, seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return architecture.build().train()


def state(model: nn.Module) -> dict[str, Any]:
    return {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(value, other[name]) for name, value in one.items())


def test_the_edits_are_those_of_the_contract() -> None:
    assert EDITS == MODEL_EDITS


@pytest.mark.parametrize(("architecture", "edit"), PAIRS)
def test_planning_leaves_all_as_it_was(architecture: Architecture, edit: str) -> None:
    model: Any = built(architecture)
    before, hooks = state(model), {name: dict(vars(module)) for name, module in model.named_modules()}
    batch, python, numpy, cpu = (
        copy.deepcopy(architecture.batch),
        random.getstate(),
        np.random.get_state(),
        torch.get_rng_state(),
    )
    plan_edit(edit, model, architecture.example())
    assert same(state(model), before)
    assert {name: dict(vars(module)) for name, module in model.named_modules()} == hooks
    assert all(parameter.grad is None for parameter in model.parameters())
    assert torch.equal(batch, architecture.batch)
    assert torch.equal(torch.get_rng_state(), cpu)
    assert random.getstate() == python
    assert all(np.array_equal(one, other) for one, other in zip(np.random.get_state(), numpy, strict=True))


@pytest.mark.parametrize(("architecture", "edit"), PAIRS)
def test_the_changed_model_trains(architecture: Architecture, edit: str) -> None:
    model: Any = built(architecture)
    found = plan_edit(edit, model, architecture.example())
    if not isinstance(found, Change):
        assert found.reason.endswith(".")
        assert (found.changes, found.code, found.applicable, found.edit) == ((), "", False, edit)
        assert found.advice
        return
    assert found.survey.applicable
    assert found.survey.changes
    assert found.survey.edit == edit
    known = {name for name, _ in (*model.named_modules(), *model.named_parameters())} | {"encoder.norm", "decoder.norm"}
    known |= {f"encoder.layers.{index}.activation" for index in range(2)} | {"decoder.layers.0.activation"}
    assert set(found.survey.changes) <= known
    fresh = built(architecture, 1)
    found.make(fresh)
    changed = copy.deepcopy(fresh)
    assert all(one is not other for one, other in zip(fresh.parameters(), changed.parameters(), strict=True))
    optimizer = torch.optim.SGD(changed.parameters(), lr=1e-3)
    losses = []
    for _ in range(2):
        optimizer.zero_grad()
        loss = architecture.loss(changed, architecture.batch.clone())
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        losses.append(float(loss.detach()))
    assert all(np.isfinite(losses))
    assert losses[0] != losses[1]
    with torch.no_grad() if architecture.name != "gradient penalty" else torch.enable_grad():
        assert architecture.loss(changed.eval(), architecture.batch.clone()).isfinite()


@pytest.mark.parametrize(("architecture", "edit"), PAIRS)
def test_made_twice_and_pasted_it_is_the_same(architecture: Architecture, edit: str) -> None:
    found = plan_edit(edit, built(architecture), architecture.example())
    if not isinstance(found, Change):
        return
    made, again, pasted = (built(architecture, 2) for _ in range(3))
    for model in (made, again):
        torch.manual_seed(3)
        found.make(model)
    torch.manual_seed(3)
    factor = 1.1 if architecture.name == "a loss that writes" else 1
    given = {"inputs": factor * architecture.batch} if edit == "normalize-inputs" else {}
    exec(found.survey.code, {"torch": torch, "model": pasted, **given})  # noqa: S102
    assert same(state(made), state(again))
    assert same(state(made), state(pasted))
    losses = []
    for model in (made, again, pasted):
        torch.manual_seed(4)
        losses.append(float(architecture.loss(model, architecture.batch.clone()).detach()))
    assert losses[0] == losses[1] == pytest.approx(losses[2], rel=1e-5 if edit == "normalize-inputs" else 0)


@pytest.mark.parametrize(("architecture", "edit"), PAIRS)
def test_it_changes_something(architecture: Architecture, edit: str) -> None:
    found = plan_edit(edit, built(architecture), architecture.example())
    if not isinstance(found, Change):
        return
    before, after = built(architecture, 2), built(architecture, 2)
    found.make(after)
    losses = []
    for model in (before, after):
        torch.manual_seed(4)
        losses.append(float(architecture.loss(model, architecture.batch.clone()).detach()))
    assert losses[0] != losses[1]


@pytest.mark.parametrize(("architecture", "edit"), PAIRS)
def test_a_changed_model_goes_when_it_is_dropped(architecture: Architecture, edit: str) -> None:
    found = plan_edit(edit, built(architecture), architecture.example())
    if isinstance(found, Change):
        gc.disable()  # so that nothing but the last reference can make it go
        model = built(architecture)
        found.make(model)
        weak = weakref.ref(model)
        del model
        gone = weak() is None
        gc.enable()
        assert gone


def test_an_unknown_edit_is_a_mistake() -> None:
    with pytest.raises(KeyError):
        plan_edit("no-such-edit", built(ARCHITECTURES[0]), ARCHITECTURES[0].example())
