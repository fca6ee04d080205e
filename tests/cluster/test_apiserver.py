"""The API server of the tests is a real one: it stores, refuses, watches, forgets nothing in an outage."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.apiserver.audit import audit_events
from tests.apiserver.cluster import ApiServer
from tests.apiserver.fixtures import kubectl_for
from tests.apiserver.kubectl import Kubectl, KubectlError
from tests.apiserver.users import BROWNOUT, SERVICE_ACCOUNT
from tests.eventually import eventually

pytestmark = pytest.mark.cluster

WIDGETS = """\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.test.brownout.dev}
spec:
  group: test.brownout.dev
  scope: Namespaced
  names: {kind: Widget, plural: widgets, singular: widget, shortNames: [wdg]}
  versions:
    - name: v1
      served: true
      storage: true
      subresources: {status: {}}
      additionalPrinterColumns: [{name: SIZE, type: integer, jsonPath: .spec.size}]
      schema:
        openAPIV3Schema:
          type: object
          properties:
            spec:
              type: object
              description: What the widget is meant to be.
              x-kubernetes-validations: [{rule: self.size != 13, message: thirteen is unlucky}]
              properties: {size: {type: integer, minimum: 1, default: 5}}
            status: {type: object, properties: {state: {type: string}}}
"""

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: voice}
spec:
  replicas: 2
  selector: {matchLabels: {app: voice}}
  template:
    metadata: {labels: {app: voice}}
    spec: {containers: [{name: voice, image: voice}]}
"""

MAY_SCALE = """\
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: scaler}
rules:
  - {apiGroups: [apps], resources: [deployments/scale], verbs: [get, patch]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: scaler}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: scaler}
subjects: [{kind: ServiceAccount, name: brownout, namespace: brownout-system}]
"""


def widget(size: object) -> str:
    """A manifest of one widget."""
    return f"{{apiVersion: test.brownout.dev/v1, kind: Widget, metadata: {{name: w}}, spec: {{size: {size}}}}}"


@pytest.fixture
def widgets(kubectl: Kubectl) -> Kubectl:
    """A kubectl whose server knows the kind Widget."""
    kubectl.install(WIDGETS)
    return kubectl


def test_a_custom_resource_is_defaulted_shown_and_explained(widgets: Kubectl) -> None:
    """A CRD brings defaults, printer columns, short names and `kubectl explain`."""
    widgets.apply(widget("null"))
    assert widgets.get("widget", "w")["spec"]["size"] == 5
    assert widgets("get", "wdg").split() == ["NAME", "SIZE", "w", "5"]
    assert "What the widget is meant to be." in widgets("explain", "widget.spec")


def test_the_schema_refuses_what_it_does_not_allow(widgets: Kubectl) -> None:
    """A value below the minimum is refused by the server with its path; an unknown field by the time it is applied."""
    assert "spec.size" in widgets.refused(widget(0))
    assert "colour" in widgets.refused(widget("1, colour: red"))


def test_a_cel_rule_is_carried_out_by_every_server_that_has_them(widgets: Kubectl, api_server: ApiServer) -> None:
    """From 1.25 on the rule's message is the refusal; before, the object is taken and the controller must refuse."""
    if api_server.supports_cel:
        assert "thirteen is unlucky" in widgets.refused(widget(13))
    else:
        assert "created" in widgets.apply(widget(13))


def test_kubectl_waits_for_a_field_of_the_status(widgets: Kubectl) -> None:
    """`kubectl wait --for=jsonpath` sees a status that is written through the subresource."""
    widgets.apply(widget(3))
    widgets("patch", "widget", "w", "--subresource=status", "--type=merge", '--patch={"status":{"state":"Disabled"}}')
    assert "condition met" in widgets("wait", "--for=jsonpath={.status.state}=Disabled", "widget/w", "--timeout=5s")


def test_a_user_may_do_what_rbac_says_and_no_more(
    kubectl: Kubectl, api_server: ApiServer, namespace: str, tmp_path: Path
) -> None:
    """The ServiceAccount's token is bound by the roles of the test; a user without any is refused everything."""
    kubectl.apply(DEPLOYMENT)
    kubectl.apply(MAY_SCALE)
    agent = kubectl_for(api_server, api_server.kubeconfig(SERVICE_ACCOUNT), tmp_path / "agent", namespace=namespace)
    stranger = kubectl_for(api_server, api_server.kubeconfig(BROWNOUT), tmp_path / "stranger", namespace=namespace)
    scale = f"/apis/apps/v1/namespaces/{namespace}/deployments/voice/scale"
    patched = api_server.request("PATCH", scale, {"spec": {"replicas": 0}}, user=SERVICE_ACCOUNT)
    assert (patched.status, patched.body["spec"]) == (200, {})  # a scale of 0 carries no replicas
    assert kubectl.get("deployment", "voice")["spec"]["replicas"] == 0
    for who in (agent, stranger):
        with pytest.raises(KubectlError, match="Forbidden"):
            who("get", "deployment", "voice")
    used = {(e.verb, e.resource, e.code) for e in audit_events(api_server.audit_log, user=SERVICE_ACCOUNT)}
    assert {("patch", "deployments/scale", 200), ("get", "deployments", 403)} <= used


def test_an_outage_loses_nothing_and_the_address_stays(own_api_server: ApiServer) -> None:
    """What was written before the server was killed is there when it is back, at the same URL."""
    server = own_api_server
    kept = {"metadata": {"name": "kept"}, "data": {"a": "b"}}
    path = "/api/v1/namespaces/default/configmaps"
    assert eventually(lambda: server.request("POST", path, kept).status == 201)  # `default` is made after the start
    server.stop()
    with pytest.raises(ConnectionRefusedError):
        server.request("GET", "/readyz")
    server.start()
    assert server.request("GET", f"{path}/kept").body["data"] == {"a": "b"}


def test_a_paused_server_answers_once_it_goes_on(own_api_server: ApiServer) -> None:
    """A paused server lets its clients wait; nothing is lost when it goes on."""
    own_api_server.pause()
    with pytest.raises(TimeoutError):
        own_api_server.request("GET", "/readyz", within_s=0.3)
    own_api_server.resume()
    assert eventually(own_api_server.ready)


ORPHAN = """
import os, pathlib, signal, sys
from tests.apiserver.process import Child
child = Child(["/bin/sleep", "1000"], pathlib.Path(sys.argv[1]))
child.start()
print(child.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_nothing_is_left_when_the_tests_are_killed(tmp_path: Path) -> None:
    """A child ends with its parent, even where the parent is killed and can tidy nothing."""
    run = [sys.executable, "-c", ORPHAN, str(tmp_path / "log")]
    pid = int(subprocess.run(run, capture_output=True, text=True, check=False).stdout)
    assert eventually(
        lambda: not Path(f"/proc/{pid}").exists() or "(zombie)" in Path(f"/proc/{pid}/status").read_text()
    )
