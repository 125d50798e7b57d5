"""Manifests as `partita-cluster k8s` prints them: Kubernetes takes each of them, and they fit each other.

    python3 cluster/tests/manifests.py target/cluster/partita-cluster

Needs the packages kubernetes-validate and pyyaml.
"""

import subprocess
import sys

import kubernetes_validate
import yaml

PROGRAM = sys.argv[1]
VERSIONS = ["1.27", "1.30", "1.33"]
IMAGE = ["--image", "registry.example:5000/data/partita-cluster:0.1.0"]
OPTIONS = [
    [],
    ["--name", "trips", "--namespace", "data", "--workers", "5", "--cores", "4", "--memory", "8GiB"],
    ["--claim", "trips:/shared/trips", "--hpa", "2..10"],
    ["--open", "--workers", "1", "--memory", "90GB"],
]


def printed(options):
    done = subprocess.run([PROGRAM, "k8s", *IMAGE, *options], capture_output=True, text=True, check=True)
    return list(yaml.safe_load_all(done.stdout))


def of(documents, kind, part=""):
    found = [d for d in documents if d["kind"] == kind and d["metadata"]["name"].endswith(part)]
    assert len(found) == 1, (kind, part, len(found))
    return found[0]


def covers(selector, labels):
    return all(labels.get(name) == value for name, value in selector.items())


def fit(documents, options):
    """What no schema knows: names and labels that are meant to be the same are."""
    said = dict(zip(options[::2], options[1::2])) if "--open" not in options else dict(zip(options[1::2], options[2::2]))
    service = of(documents, "Service")
    scheduler, worker = (of(documents, "Deployment", part) for part in ["scheduler", "worker"])
    pods = [d["spec"]["template"] for d in [scheduler, worker]]
    for deployment, pod in zip([scheduler, worker], pods):
        assert covers(deployment["spec"]["selector"]["matchLabels"], pod["metadata"]["labels"])
        container = pod["spec"]["containers"][0]
        assert container["image"] == IMAGE[1]
        ports = {port["name"] for port in container["ports"]}
        for probe in ["readinessProbe", "livenessProbe"]:
            asked = container[probe].get("httpGet") or container[probe]["tcpSocket"]
            assert asked["port"] in ports
        volumes = {volume["name"] for volume in pod["spec"].get("volumes", [])}
        assert volumes == {mount["name"] for mount in container.get("volumeMounts", [])}
        resources = container["resources"]
        assert set(resources["requests"]) == set(resources["limits"]) == {"cpu", "memory"}
    # the service leads to the scheduler and to nobody else
    assert covers(service["spec"]["selector"], pods[0]["metadata"]["labels"])
    assert not covers(service["spec"]["selector"], pods[1]["metadata"]["labels"])
    words = pods[1]["spec"]["containers"][0]["command"]
    address = words[words.index("--scheduler") + 1]
    assert address == f"{service['metadata']['name']}:{service['spec']['ports'][0]['port']}", address
    # others are told the address of the pod
    for pod in pods:
        words = pod["spec"]["containers"][0]["command"]
        assert words[words.index("--host") + 1] == "$(POD_IP)"
    replicas = worker["spec"].get("replicas")
    if "--hpa" in said:
        scaler = of(documents, "HorizontalPodAutoscaler")["spec"]
        assert scaler["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": worker["metadata"]["name"]}
        assert (scaler["minReplicas"], scaler["maxReplicas"], replicas) == (2, 10, None)
    else:
        assert replicas == int(said.get("--workers", 2)), replicas
    if "--open" in options:
        assert all(d["kind"] != "NetworkPolicy" for d in documents)
    else:
        policy = of(documents, "NetworkPolicy")["spec"]
        for pod in pods:
            assert covers(policy["podSelector"]["matchLabels"], pod["metadata"]["labels"])
    namespace = said.get("--namespace", "default")
    assert all(d["metadata"]["namespace"] == namespace for d in documents)


def main():
    checked = 0
    for options in OPTIONS:
        documents = printed(options)
        fit(documents, options)
        for document in documents:
            for version in VERSIONS:
                kubernetes_validate.validate(document, version, strict=True)
                checked += 1
        # wrong ones would be found
        documents[0]["spec"]["prots"] = []
        try:
            kubernetes_validate.validate(documents[0], VERSIONS[0], strict=True)
        except kubernetes_validate.ValidationError:
            pass
        else:
            raise AssertionError("a wrong manifest was taken")
    print(f"{checked} manifests hold")


main()
