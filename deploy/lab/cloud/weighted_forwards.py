"""Forward actions of several target groups through the API: MiniStack keeps only a template's.

`aws elbv2 modify-listener` with a ForwardConfig is how traffic is moved from one version to the
next by weight, so it must be kept and shown.
"""

from collections.abc import Callable
from typing import Any

from deploy.lab.cloud.border import Internals, Json, Parameters

ALB = Internals("services.alb", "_action_xml", "_p", "_parse_actions")


def install() -> None:
    """Hook into how actions are read and shown."""
    ALB.replace("parse_actions", _parsing(ALB.parse_actions))
    ALB.replace("action_xml", _showing(ALB.action_xml))


def _parsing(stock: Callable[..., list[Json]]) -> Callable[..., list[Json]]:
    def parse(parameters: Parameters, prefix: str = "DefaultActions") -> list[Json]:
        made = stock(parameters, prefix)
        for number, action in enumerate(made, 1):
            if config := _config(parameters, f"{prefix}.member.{number}.ForwardConfig"):
                action["ForwardConfig"] = config
        return made

    return parse


def _config(parameters: Parameters, base: str) -> Json:
    groups: list[Json] = []
    while arn := ALB.p(parameters, f"{base}.TargetGroups.member.{len(groups) + 1}.TargetGroupArn"):
        weight = ALB.p(parameters, f"{base}.TargetGroups.member.{len(groups) + 1}.Weight", "1")
        groups.append({"TargetGroupArn": arn, "Weight": int(weight)})
    if not groups:
        return {}
    sticky = f"{base}.TargetGroupStickinessConfig"
    if not (enabled := ALB.p(parameters, f"{sticky}.Enabled")):
        return {"TargetGroups": groups}
    kept: dict[str, Any] = {"Enabled": enabled.lower() == "true"}
    if duration := ALB.p(parameters, f"{sticky}.DurationSeconds"):
        kept["DurationSeconds"] = int(duration)
    return {"TargetGroups": groups, "TargetGroupStickinessConfig": kept}


def _showing(stock: Callable[[Json], str]) -> Callable[[Json], str]:
    def show(action: Json) -> str:
        config = action.get("ForwardConfig")
        if not config:
            return stock(action)
        groups = "".join(
            f"<member><TargetGroupArn>{group['TargetGroupArn']}</TargetGroupArn>"
            f"<Weight>{group.get('Weight', 1)}</Weight></member>"
            for group in config.get("TargetGroups", [])
        )
        kept = config.get("TargetGroupStickinessConfig") or {}
        sticky = f"<Enabled>{str(kept.get('Enabled', False)).lower()}</Enabled>"
        if duration := kept.get("DurationSeconds"):
            sticky += f"<DurationSeconds>{duration}</DurationSeconds>"
        inner = (
            f"<ForwardConfig><TargetGroups>{groups}</TargetGroups>"
            f"<TargetGroupStickinessConfig>{sticky}</TargetGroupStickinessConfig></ForwardConfig>"
        )
        return stock(action).removesuffix("</member>") + inner + "</member>"

    return show
