//! What `kubectl apply` takes: a scheduler and workers in pods.

use std::fmt::{self, Display};
use std::io::Write;
use std::ops::RangeInclusive;
use std::process::{Command, Stdio};

use partita::{ByteSize, Error, ErrorKind, Result};
use serde_json::{Value, json};

use crate::deploy::reserve::counted;

/// Where the scheduler listens in its pod.
const SCHEDULER: u16 = 50050;
/// Where a worker lets results be fetched, and where it is given tasks.
const WORKER: [u16; 2] = [50051, 50052];
/// Where a worker puts what is exchanged.
const SCRATCH: &str = "/scratch";
/// Which part of the processor time asked for a worker has to use, in percent, so that more of them are started.
const BUSY: u32 = 75;

/// The manifests of a cluster in Kubernetes: a Service and a Deployment for the scheduler, a Deployment of workers, a
/// policy that lets nobody else reach them, and on demand what changes the number of workers with their load. It
/// [displays](Display) as YAML.
///
/// There is no authentication: pods reach the cluster that are part of it, and those with the label `NAME-client: "true"`,
/// where the network of Kubernetes enforces policies.
///
/// ```
/// use partita_cluster::Manifests;
///
/// let manifests = Manifests::new("registry.example/partita-cluster:1").workers(3).cores(4).namespace("data");
/// assert!(manifests.check().is_ok());
/// assert!(manifests.to_string().contains("replicas: 3"));
/// ```
#[derive(Clone, Debug)]
pub struct Manifests {
    image: String,
    name: String,
    namespace: String,
    workers: u32,
    cores: u32,
    memory: ByteSize,
    claim: Option<(String, String)>,
    scaled: Option<RangeInclusive<u32>>,
    open: bool,
}

impl Manifests {
    /// A cluster whose pods run this image, in which `partita-cluster` is found by `PATH`. By default it is called
    /// `partita` and has two workers, of one core and 2 GiB each, in the namespace `default`.
    pub fn new(image: impl Into<String>) -> Manifests {
        Manifests {
            image: image.into(),
            name: "partita".into(),
            namespace: "default".into(),
            workers: 2,
            cores: 1,
            memory: ByteSize(2 << 30),
            claim: None,
            scaled: None,
            open: false,
        }
    }

    /// How it is called, and how the names of its parts begin.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// The namespace, which has to be there.
    #[must_use]
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = namespace.into();
        self
    }

    /// How many workers.
    #[must_use]
    pub fn workers(mut self, workers: u32) -> Self {
        self.workers = workers;
        self
    }

    /// How many cores a worker has: that many tasks run there at once.
    #[must_use]
    pub fn cores(mut self, cores: u32) -> Self {
        self.cores = cores;
        self
    }

    /// How much memory a worker has; it uses seven tenths for what it exchanges, sorts and holds. It is ended when it takes
    /// more than all of it.
    #[must_use]
    pub fn memory(mut self, memory: ByteSize) -> Self {
        self.memory = memory;
        self
    }

    /// A volume claim that is there, and the folder where all pods find it: the files that are read.
    #[must_use]
    pub fn claim(mut self, claim: impl Into<String>, folder: impl Into<String>) -> Self {
        self.claim = Some((claim.into(), folder.into()));
        self
    }

    /// Lets Kubernetes choose how many workers there are, by how busy they are (a `HorizontalPodAutoscaler`).
    #[must_use]
    pub fn scaled(mut self, workers: RangeInclusive<u32>) -> Self {
        self.scaled = Some(workers);
        self
    }

    /// Lets every pod reach the cluster: without a policy.
    #[must_use]
    pub fn open(mut self, open: bool) -> Self {
        self.open = open;
        self
    }

    /// Whether Kubernetes would take the names and numbers.
    ///
    /// # Errors
    /// `Invalid` for what it would refuse.
    pub fn check(&self) -> Result<()> {
        let wrong = |what: String| Err(Error::invalid(what).doing("write manifests"));
        for name in [&self.name, &self.namespace].into_iter().chain(self.claim.iter().map(|(claim, _)| claim)) {
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            // room for what is added to it
            if name.is_empty()
                || name.len() > 50
                || !name.chars().all(plain)
                || name.starts_with('-')
                || name.ends_with('-')
            {
                let what =
                    format!("`{name}` is no name for Kubernetes: up to 50 small letters, digits and hyphens are");
                return wrong(what);
            }
        }
        if self.image.trim().is_empty() {
            return wrong("there is no image".into());
        }
        if self.claim.as_ref().is_some_and(|(_, folder)| !folder.starts_with('/') || folder == SCRATCH) {
            return wrong(format!("the folder of a claim begins with `/`, and is not {SCRATCH}"));
        }
        if self.cores == 0 || self.memory.0 == 0 {
            return wrong("a worker needs at least one core and some memory".into());
        }
        match &self.scaled {
            Some(range) if *range.start() == 0 || range.is_empty() => {
                wrong(format!("{}..{} is no number of workers: from one on", range.start(), range.end()))
            }
            _ => Ok(()),
        }
    }

    /// Hands them to `kubectl apply`, and gives what it says.
    ///
    /// # Errors
    /// Those of [`check`](Self::check); `Io` when `kubectl` is not there, or says why not.
    pub fn apply(&self) -> Result<String> {
        self.check()?;
        let mut kubectl = Command::new("kubectl");
        let kubectl =
            kubectl.args(["apply", "-f", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = kubectl.spawn().map_err(|e| match e.kind() {
            std::io::ErrorKind::NotFound => {
                let error = Error::new(ErrorKind::Io { what: "the command `kubectl` is not there".into() });
                error.doing("apply manifests").help("run this where it is, or pipe the manifests there").caused_by(e)
            }
            _ => Error::io("kubectl", e).doing("apply manifests"),
        })?;
        if let Some(mut pipe) = child.stdin.take() {
            // if it does not read it says why
            let _ = pipe.write_all(self.to_string().as_bytes());
        }
        let ended = child.wait_with_output().map_err(|e| Error::io("kubectl", e).doing("apply manifests"))?;
        if ended.status.success() {
            return Ok(String::from_utf8_lossy(&ended.stdout).into_owned());
        }
        let what = format!("`kubectl` said: {}", String::from_utf8_lossy(&ended.stderr).trim());
        Err(Error::new(ErrorKind::Io { what }).doing("apply manifests"))
    }

    /// The manifests themselves, one after the other.
    pub fn documents(&self) -> Vec<Value> {
        let mut all = vec![self.service(), self.scheduler(), self.workers_of()];
        all.extend((!self.open).then(|| self.policy()));
        all.extend(self.scaled.as_ref().map(|range| self.scaler(range)));
        all
    }

    /// The labels of one part, or of all.
    fn labels(&self, part: Option<&str>) -> Value {
        let mut labels = json!({"app.kubernetes.io/name": "partita", "app.kubernetes.io/instance": self.name});
        if let Some(part) = part {
            labels["app.kubernetes.io/component"] = part.into();
        }
        labels
    }

    fn metadata(&self, part: &str) -> Value {
        json!({"name": format!("{}-{part}", self.name), "namespace": self.namespace, "labels": self.labels(Some(part))})
    }

    fn service(&self) -> Value {
        json!({
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": self.metadata("scheduler"),
            "spec": {
                "type": "ClusterIP",
                "selector": self.labels(Some("scheduler")),
                "ports": [{"name": "grpc", "port": SCHEDULER, "targetPort": "grpc", "protocol": "TCP"}],
            },
        })
    }

    fn scheduler(&self) -> Value {
        let probe =
            |path: &str, period: u32| json!({"httpGet": {"path": path, "port": "grpc"}, "periodSeconds": period});
        let listen = format!("0.0.0.0:{SCHEDULER}");
        let container = json!({
            "name": "scheduler",
            "image": self.image,
            "command": ["partita-cluster", "scheduler", "--listen", listen, "--host", "$(POD_IP)"],
            "env": [address()],
            "ports": [{"name": "grpc", "containerPort": SCHEDULER, "protocol": "TCP"}],
            "readinessProbe": probe("/readyz", 2),
            "livenessProbe": probe("/healthz", 10),
            "resources": {
                "requests": {"cpu": "250m", "memory": "256Mi"},
                "limits": {"cpu": "1", "memory": "1Gi"},
            },
        });
        // what it knows is in its memory: never two of them
        let strategy = json!({"type": "Recreate"});
        self.deployment("scheduler", Some(1), strategy, container)
    }

    fn workers_of(&self) -> Value {
        let [fetch, tasks] = WORKER;
        let scheduler = format!("{}-scheduler:{SCHEDULER}", self.name);
        let mut command: Vec<String> =
            ["partita-cluster", "worker", "--scheduler", &scheduler].map(String::from).into();
        let threads = self.cores.to_string();
        let more =
            ["--host", "$(POD_IP)", "--port", &fetch.to_string(), "--grpc-port", &tasks.to_string()].map(String::from);
        command.extend(
            more.into_iter().chain(["--threads", &threads, "--folder", SCRATCH, "--wait", "120s"].map(String::from)),
        );
        let probe = |period: u32| json!({"tcpSocket": {"port": "tasks"}, "periodSeconds": period});
        command.extend(["--memory-limit".into(), counted(self.memory).to_string()]);
        let memory = format!("{}Mi", self.memory.0.div_ceil(1 << 20));
        let resources = json!({"cpu": threads, "memory": memory});
        let container = json!({
            "name": "worker",
            "image": self.image,
            "command": command,
            "env": [address()],
            "ports": [
                {"name": "results", "containerPort": fetch, "protocol": "TCP"},
                {"name": "tasks", "containerPort": tasks, "protocol": "TCP"},
            ],
            // it listens once it has found its scheduler
            "startupProbe": {"tcpSocket": {"port": "tasks"}, "periodSeconds": 2, "failureThreshold": 90},
            "readinessProbe": probe(3),
            "livenessProbe": probe(10),
            "resources": {"requests": resources, "limits": resources},
            "volumeMounts": [{"name": "scratch", "mountPath": SCRATCH}],
        });
        // a number of workers that Kubernetes chooses is not set back by applying this once more
        let replicas = self.scaled.is_none().then_some(self.workers);
        self.deployment("worker", replicas, json!({"type": "RollingUpdate"}), container)
    }

    fn deployment(&self, part: &str, replicas: Option<u32>, strategy: Value, mut container: Value) -> Value {
        let mut volumes = Vec::new();
        if container["volumeMounts"].is_array() {
            volumes.push(json!({"name": "scratch", "emptyDir": {}}));
        }
        if let Some((claim, folder)) = &self.claim {
            let mount = json!({"name": "data", "mountPath": folder});
            match container["volumeMounts"].as_array_mut() {
                Some(mounts) => mounts.push(mount),
                None => container["volumeMounts"] = json!([mount]),
            }
            volumes.push(json!({"name": "data", "persistentVolumeClaim": {"claimName": claim}}));
        }
        container["securityContext"] = json!({"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}});
        let mut pod = json!({
            // neither asks Kubernetes for anything
            "automountServiceAccountToken": false,
            // tasks that run may end
            "terminationGracePeriodSeconds": 60,
            "containers": [container],
        });
        if !volumes.is_empty() {
            pod["volumes"] = volumes.into();
        }
        let mut spec = json!({
            "selector": {"matchLabels": self.labels(Some(part))},
            "strategy": strategy,
            "template": {"metadata": {"labels": self.labels(Some(part))}, "spec": pod},
        });
        if let Some(replicas) = replicas {
            spec["replicas"] = replicas.into();
        }
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": self.metadata(part), "spec": spec})
    }

    fn policy(&self) -> Value {
        let client = format!("{}-client", self.name);
        json!({
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {"name": self.name, "namespace": self.namespace, "labels": self.labels(None)},
            "spec": {
                "podSelector": {"matchLabels": self.labels(None)},
                "policyTypes": ["Ingress"],
                "ingress": [{"from": [
                    {"podSelector": {"matchLabels": self.labels(None)}},
                    {"podSelector": {"matchLabels": {client: "true"}}},
                ]}],
            },
        })
    }

    fn scaler(&self, range: &RangeInclusive<u32>) -> Value {
        json!({
            "apiVersion": "autoscaling/v2",
            "kind": "HorizontalPodAutoscaler",
            "metadata": self.metadata("worker"),
            "spec": {
                "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": format!("{}-worker", self.name)},
                "minReplicas": range.start(),
                "maxReplicas": range.end(),
                "metrics": [{
                    "type": "Resource",
                    "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": BUSY}},
                }],
                // what a worker has computed goes with it: do not let one go between two queries
                "behavior": {"scaleDown": {"stabilizationWindowSeconds": 300}},
            },
        })
    }
}

/// The address of a pod, by which others reach it, as a variable.
fn address() -> Value {
    json!({"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}})
}

impl Display for Manifests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for document in self.documents() {
            f.write_str("---\n")?;
            yaml(&document, 0, f)?;
        }
        Ok(())
    }
}

/// A value as YAML in block style, at the begin of a line. Texts are quoted as in JSON, which YAML reads.
fn yaml(value: &Value, depth: usize, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match value {
        Value::Object(fields) => {
            for (i, name) in ordered(fields.keys()).into_iter().enumerate() {
                let pad = if i == 0 { 0 } else { depth };
                write!(f, "{:pad$}{name}:", "")?;
                let inner = &fields[name];
                match inner {
                    Value::Object(some) if !some.is_empty() => {
                        write!(f, "\n{:1$}", "", depth + 2)?;
                        yaml(inner, depth + 2, f)?;
                    }
                    Value::Array(some) if !some.is_empty() => {
                        writeln!(f)?;
                        yaml(inner, depth, f)?;
                    }
                    one => writeln!(f, " {one}")?,
                }
            }
            Ok(())
        }
        Value::Array(items) => {
            for item in items {
                write!(f, "{:depth$}- ", "")?;
                yaml(item, depth + 2, f)?;
            }
            Ok(())
        }
        one => writeln!(f, "{one}"),
    }
}

/// Names in the order in which people expect them: what it is, how it is called, the rest.
fn ordered<'a>(names: impl Iterator<Item = &'a String>) -> Vec<&'a str> {
    let first = ["apiVersion", "kind", "metadata", "name", "namespace", "image", "command"];
    let mut names: Vec<&str> = names.map(String::as_str).collect();
    names.sort_by_key(|name| (first.iter().position(|known| known == name).unwrap_or(first.len()), *name));
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yaml_is_as_people_write_it() {
        let service = Manifests::new("partita:1").name("trips").service();
        struct Shown(Value);
        impl Display for Shown {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                yaml(&self.0, 0, f)
            }
        }
        let expected = r#"apiVersion: "v1"
kind: "Service"
metadata:
  name: "trips-scheduler"
  namespace: "default"
  labels:
    app.kubernetes.io/component: "scheduler"
    app.kubernetes.io/instance: "trips"
    app.kubernetes.io/name: "partita"
spec:
  ports:
  - name: "grpc"
    port: 50050
    protocol: "TCP"
    targetPort: "grpc"
  selector:
    app.kubernetes.io/component: "scheduler"
    app.kubernetes.io/instance: "trips"
    app.kubernetes.io/name: "partita"
  type: "ClusterIP"
"#;
        assert_eq!(Shown(service).to_string(), expected);
    }

    #[test]
    fn parts_are_there_on_demand() {
        let all = |manifests: &Manifests| -> Vec<String> {
            manifests.documents().iter().map(|one| one["kind"].as_str().unwrap().to_string()).collect()
        };
        let plain = Manifests::new("partita:1");
        assert_eq!(all(&plain), ["Service", "Deployment", "Deployment", "NetworkPolicy"]);
        let scaled = plain.clone().scaled(2..=10).open(true).claim("trips", "/data");
        assert_eq!(all(&scaled), ["Service", "Deployment", "Deployment", "HorizontalPodAutoscaler"]);
        let documents = scaled.documents();
        assert!(documents[2]["spec"]["replicas"].is_null());
        assert_eq!(documents[2]["spec"]["template"]["spec"]["containers"][0]["volumeMounts"][1]["mountPath"], "/data");
        assert_eq!(documents[1]["spec"]["template"]["spec"]["containers"][0]["volumeMounts"][0]["mountPath"], "/data");
        assert_eq!(plain.documents()[2]["spec"]["replicas"], 2);
    }

    #[test]
    fn what_kubernetes_refuses_is_refused() {
        let plain = || Manifests::new("partita:1");
        assert!(plain().check().is_ok());
        let wrong = [
            plain().name("Trips"),
            plain().name("-a"),
            plain().namespace(""),
            plain().claim("a b", "/data"),
            plain().claim("a", "data"),
            plain().claim("a", SCRATCH),
            plain().cores(0),
            plain().scaled(0..=3),
            #[allow(clippy::reversed_empty_ranges)]
            plain().scaled(4..=3),
            Manifests::new(""),
        ];
        for one in wrong {
            assert!(matches!(one.check().unwrap_err().kind(), ErrorKind::Invalid { .. }), "{one:?}");
        }
    }
}
