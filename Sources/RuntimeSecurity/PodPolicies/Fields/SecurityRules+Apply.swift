// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

// What PodSecurityPolicy's admission did with one policy and one pod (Kubernetes 1.20): fill in, then judge the result.
extension SecurityRules {
    /// Fills in the policy's defaults and judges the result, every container of it. Accepted when there is no
    /// violation. The filled-in pod also has the seccomp fields that its annotations ask for.
    package func applied(to pod: Pod) -> (pod: Pod, violations: [Violation]) {
        let filled = filled(pod)
        return (filled.withSeccompFields(), RulesJudge(rules: self, pod: filled).violations())
    }

    /// Judges the pod as it is. A policy that accepts it may still want to fill something in: see `changes`.
    package func violations(in pod: Pod) -> [Violation] {
        RulesJudge(rules: self, pod: pod).violations()
    }

    /// What the policy would fill in. Where nothing may be changed, PodSecurityPolicy passes over a policy that would
    /// change a pod. A seccomp annotation that repeats the pod's field is no change here: an API server of its time
    /// had written it by then.
    package func changes(filling pod: Pod) -> [PodChange] {
        let pod = pod.withSeccompAnnotation()
        return pod.changes(to: filled(pod))
    }
}
