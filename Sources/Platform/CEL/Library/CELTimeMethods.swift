// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

extension CELFunctions {
    static func addTimeMethods(_ table: inout [String: Body]) {
        let getters: [(String, @Sendable (CELTime.Fields) -> Int)] = [
            ("getFullYear", { $0.year }), ("getMonth", { $0.month - 1 }), ("getDate", { $0.day }),
            ("getDayOfMonth", { $0.day - 1 }), ("getDayOfWeek", { $0.weekday }), ("getDayOfYear", { $0.dayOfYear }),
            ("getHours", { $0.hour }), ("getMinutes", { $0.minute }), ("getSeconds", { $0.second }),
        ]
        for (name, field) in getters {
            table[name] = { arguments, _ in
                if case .duration(let span) = arguments[0].resolved {
                    switch name {
                    case "getHours": return .int(span.totalSeconds / 3600)
                    case "getMinutes": return .int(span.totalSeconds / 60)
                    case "getSeconds": return .int(span.totalSeconds)
                    default: throw noOverload(name, arguments)
                    }
                }
                return .int(field(try fields(name, arguments)))
            }
        }
        table["getMilliseconds"] = { arguments, _ in
            if case .duration(let span) = arguments[0].resolved {
                let isNegative = span.seconds < 0 && span.nanoseconds > 0
                return .int(isNegative ? (span.nanoseconds - 1_000_000_000) / 1_000_000 : span.nanoseconds / 1_000_000)
            }
            _ = try fields("getMilliseconds", arguments)
            guard case .timestamp(let time) = arguments[0].resolved else {
                throw noOverload("getMilliseconds", arguments)
            }
            return .int(time.nanoseconds / 1_000_000)
        }
    }

    private static func fields(_ name: String, _ arguments: [CELValue]) throws(CELError) -> CELTime.Fields {
        guard case .timestamp(let time) = arguments[0].resolved else { throw noOverload(name, arguments) }
        var zone: String?
        if arguments.count > 1 {
            guard case .string(let text) = arguments[1].resolved else { throw noOverload(name, arguments) }
            zone = text
        }
        guard let fields = time.fields(zone) else { throw CELEvaluator.error("unknown time zone \(zone ?? "")") }
        return fields
    }
}

extension CELTime {
    /// Towards zero.
    var totalSeconds: Int { seconds < 0 && nanoseconds > 0 ? seconds + 1 : seconds }
}
