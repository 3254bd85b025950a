// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Reporting

extension Inspect {
    /// Reads the arguments of `inspect` on files without the argument parser, which takes longer to describe the options to
    /// itself than to read a folder takes. Nil for whatever is not in the plainest form, or asks for a cluster or for help:
    /// the parser reads or explains that. `PlainArgumentsTests` hold the two together.
    static func plain(_ arguments: [String]) -> Inspect? {
        var values = Values()
        var index = 0
        while index < arguments.count {
            let argument = arguments[index]
            index += 1
            guard argument.utf8.first == UInt8(ascii: "-"), argument != "-" else {
                if argument.isEmpty { return nil }
                values.paths.append(argument)
                continue
            }
            switch argument {
            case "--all": values.all = true
            case "--fix": values.fix = true
            case "--write": values.write = true
            default:
                var name = argument[...]
                let value: String
                if argument.hasPrefix("--"), let equals = argument.utf8.firstIndex(of: UInt8(ascii: "=")) {
                    name = argument[..<equals]
                    value = String(argument[argument.utf8.index(after: equals)...])
                } else {
                    guard index < arguments.count else { return nil }
                    value = arguments[index]
                    index += 1
                }
                if value.isEmpty || value.utf8.first == UInt8(ascii: "-") { return nil }
                guard values.set(String(name), value) else { return nil }
            }
        }
        return values.inspect
    }

    private struct Values {
        var paths: [String] = []
        var output: OutputArgument?
        var (fix, write, all) = (false, false, false)
        var (check, skipCheck, namespace, kind): ([String], [String], [String], [String]) = ([], [], [], [])
        var (floatingTag, allowRegistry): ([String], [String]) = ([], [])
        var (severity, failOn): (SeverityArgument?, SeverityArgument?)
        var exemptions: String?

        /// False for what is no option or no value of it, and for a second value of an option that takes one.
        mutating func set(_ name: String, _ value: String) -> Bool {
            func once<Value>(_ place: inout Value?, _ value: Value?) -> Bool {
                guard place == nil, let value else { return false }
                place = value
                return true
            }
            switch name {
            case "-o", "--output": return once(&output, OutputArgument(argument: value))
            case "--severity": return once(&severity, SeverityArgument(argument: value))
            case "--fail-on": return once(&failOn, SeverityArgument(argument: value))
            case "--exemptions": return once(&exemptions, value)
            case "--check": check.append(value)
            case "--skip-check": skipCheck.append(value)
            case "-n", "--namespace": namespace.append(value)
            case "--kind": kind.append(value)
            case "--floating-tag": floatingTag.append(value)
            case "--allow-registry": allowRegistry.append(value)
            default: return false
            }
            return true
        }

        var inspect: Inspect {
            var options = InspectionOptions()
            (options.check, options.skipCheck, options.namespace, options.kind) = (check, skipCheck, namespace, kind)
            (options.floatingTag, options.allowRegistry) = (floatingTag, allowRegistry)
            (options.severity, options.failOn, options.exemptions, options.all) = (severity, failOn, exemptions, all)
            var inspect = Inspect()
            (inspect.paths, inspect.fix, inspect.write) = (paths, fix, write)
            inspect.output = output ?? OutputArgument(format: .table)
            inspect.options = options
            return inspect
        }
    }
}
