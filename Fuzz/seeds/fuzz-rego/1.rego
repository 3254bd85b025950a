package m
import data.lib.a as b
default allow = false
allow { input.review.kind.kind == "Pod"; not bad[_] }
bad[x] { x := input.review.object.spec.containers[i]; x.ports[_] > 79 }
g(a) = c { c := [z | z := a[_]; z != null] }
h[k] = v { v := input.parameters[k] }
walked[p] { walk(input, [p, v]); is_string(v) }
t = x { x := g(input.parameters.a) with input.parameters.a as [1] }
