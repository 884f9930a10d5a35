"""Each chapter shows its template's traffic, as the template says it now."""

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from deploy.model import Variant
from tests.documents.drawing import (
    KIND_LETTER,
    NAME_LETTER,
    drawing,
    drawn,
    path_of,
    placed,
)
from tests.documents.traffic import CLIENTS, QUEUE, Arrow, Traffic, traffic, whole
from tests.templates.reading import Template, each_variant, read

ANEW = "stale: `python -m tests.documents` makes it anew"


@each_variant
def test_the_diagram_is_that_of_the_template(variant: Variant) -> None:
    path = path_of(variant)

    assert path.exists(), ANEW
    assert path.read_text(encoding="utf-8") == drawing(variant), ANEW


@each_variant
def test_the_chapter_shows_its_diagram_and_says_what_is_on_it(variant: Variant) -> None:
    chapter = (path_of(variant).parent / "README.md").read_text(encoding="utf-8")
    above = chapter.partition("\n## ")[0]

    assert "](diagram.svg)" in above
    assert "![](" not in above


@each_variant
def test_requests_get_from_the_clients_to_the_queue(variant: Variant) -> None:
    found = traffic(whole(variant))
    reached = {CLIENTS}
    for _ in found.boxes:
        reached |= {arrow.head for arrow in found.arrows if arrow.tail in reached}

    assert QUEUE in reached


@each_variant
def test_boxes_do_not_overlap_and_the_picture_is_described(variant: Variant) -> None:
    found = traffic(whole(variant))
    root = ET.fromstring(drawing(variant))  # noqa: S314  our own

    assert len({(at.x, at.y) for at in placed(found).values()}) == len(found.boxes)
    assert [child.tag.rpartition("}")[2] for child in root][:2] == ["title", "desc"]


@each_variant
def test_every_text_fits_into_its_box(variant: Variant) -> None:
    found = traffic(whole(variant))

    for box in found.boxes.values():
        assert len(box.name) * NAME_LETTER < placed(found)[box.name].wide
        assert len(box.kind) * KIND_LETTER < placed(found)[box.name].wide


ALBUM = """
Parameters:
  Wanted: {Type: String, Default: "false"}
Conditions:
  IsWanted: !Equals [!Ref Wanted, "true"]
Resources:
  Group:
    Type: AWS::AutoScaling::AutoScalingGroup
    Properties:
      TargetGroupARNs: [!Ref Targets]
      LaunchTemplate: {LaunchTemplateId: !Ref Launch}
  Launch:
    Type: AWS::EC2::LaunchTemplate
    Properties: {Role: !Ref Role}
  Role:
    Type: AWS::IAM::Role
    Properties: {Action: "sqs:SendMessage"}
  Targets:
    Type: AWS::ElasticLoadBalancingV2::TargetGroup
  Door:
    Type: AWS::ElasticLoadBalancingV2::LoadBalancer
  Listener:
    Type: AWS::ElasticLoadBalancingV2::Listener
    Properties:
      LoadBalancerArn: !Ref Door
      DefaultActions: [{TargetGroupArn: !Ref Targets}]
  Name:
    Type: AWS::Route53::RecordSet
    Condition: IsWanted
    Properties: {AliasTarget: {DNSName: !GetAtt Door.DNSName}}
"""


@pytest.fixture
def album(tmp_path: Path) -> Template:
    path = tmp_path / "template.yaml"
    path.write_text(ALBUM)
    return read(path)


def test_arrows_follow_the_traffic_whichever_way_the_template_refers(album: Template) -> None:
    found = traffic(album)

    assert [(arrow.tail, arrow.head) for arrow in found.arrows if not arrow.is_optional] == [
        ("Targets", "Group"),
        ("Door", "Targets"),
        ("Group", QUEUE),
        (CLIENTS, "Door"),
    ]


def test_what_is_not_there_by_default_is_dashed_and_off_the_line(album: Template) -> None:
    found = traffic(album)
    places = placed(found)

    assert Arrow("Name", "Door", "asked", is_optional=True) in found.arrows
    assert places["Name"].y > places["Door"].y == places[CLIENTS].y
    assert "only when a parameter asks for it" in drawn(found, "Album")


def test_an_arrow_is_drawn_once(album: Template) -> None:
    found: Traffic = traffic(album)
    before = list(found.arrows)
    found.draw("Door", "Targets", is_optional=False)

    assert found.arrows == before
