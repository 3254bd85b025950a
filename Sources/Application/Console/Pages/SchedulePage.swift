// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Hummingbird

/// When inspections begin by themselves.
enum SchedulePage {
    static let routes = [
        Route(.get, "/schedule", .viewer) { call, parts in
            let text = call.query["text"]
            return await show(call, parts, draft: text)
        },
        Route(.post, "/schedule", .administrator) { call, parts in
            let text = call.form["text"] ?? ""
            do {
                _ = try parts.control.preview(schedule: text, now: call.now)
            } catch {
                return await show(call, parts, draft: text, status: .badRequest)
            }
            try await parts.control.setSchedule(text, by: try call.person.label)
            parts.log("Changed the schedule", call, ["schedule": "\(text)"])
            return Reply.redirect("/schedule?done=\(text.isEmpty ? "unscheduled" : "scheduled")")
        },
    ]

    private static func show(
        _ call: Call, _ parts: ConsoleParts, draft: String?, status: HTTPResponse.Status = .ok
    ) async -> Response {
        let schedule = await parts.control.schedule()
        var problem = ""
        var preview: [Int64] = []
        if let draft {
            do { preview = try parts.control.preview(schedule: draft, now: call.now) } catch {
                problem = (error as? ConsoleError)?.message ?? "\(error)"
            }
        }
        return parts.pages.page(
            "schedule", title: "Schedule", call, parts, status: status,
            [
                "text": .text(draft ?? schedule.text), "current": .text(schedule.text),
                "next": times(schedule.next, now: call.now), "any": .flag(!schedule.next.isEmpty),
                "draft": .flag(draft != nil && problem.isEmpty), "preview": times(preview, now: call.now),
                "problem": .text(problem),
            ])
    }

    private static func times(_ times: [Int64], now: Int64) -> PageValue {
        .list(times.map { Words.time($0, now: now) })
    }
}
