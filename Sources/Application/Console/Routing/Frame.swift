// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Hummingbird
import Logging
import NIOHTTP1
import Store

/// Around every request, also of an address that does not exist: errors become answers, every answer gets the security
/// headers, and it is counted.
struct Frame: RouterMiddleware {
    typealias Context = ConsoleContext

    let parts: ConsoleParts
    let gate: Gate
    let routes: [Route]

    func handle(
        _ request: Request, context: ConsoleContext,
        next: (Request, ConsoleContext) async throws -> Response
    ) async throws -> Response {
        let start = ContinuousClock.now
        var response: Response
        do {
            response = try await next(request, context)
        } catch let error as HTTPParserError {
            throw error
        } catch {
            response = await answer(to: error, request, context)
        }
        SecurityHeaders.apply(to: &response)
        let spent = start.duration(to: .now).components
        parts.metrics.answered(
            method: request.method.rawValue, route: context.endpointPath ?? "none", status: response.status.code,
            seconds: Double(spent.seconds) + Double(spent.attoseconds) / 1e18)
        return response
    }

    private func answer(to error: any Error, _ request: Request, _ context: ConsoleContext) async -> Response {
        let path = request.uri.path
        var problem = Self.problem(error)
        var allowed = ""
        if problem.code == .notFound, context.endpointPath == "NotFound" {
            let methods = routes.filter { $0.matches(path: path) }.map(\.method.rawValue)
            if !methods.isEmpty {
                problem = ConsoleError(.methodNotAllowed, "This address does not take \(request.method.rawValue).")
                allowed = methods.joined(separator: ", ")
            }
        }
        if problem.code == .internal {
            parts.logger.error(
                "A request failed",
                metadata: [
                    "route": "\(context.endpointPath ?? path)", "error": "\(problem)",
                ])
        }
        var response: Response
        if path.hasPrefix(RouteTable.apiPrefix) {
            response = Reply.json(
                ["code": .string(problem.code.rawValue), "message": .string(problem.message)],
                status: Reply.status(problem.code))
            if problem.code == .unauthenticated { response.headers[.wwwAuthenticate] = "Bearer" }
        } else if problem.code == .unauthenticated {
            // A form's address shows nothing when it is asked for again.
            let next = request.method == .get ? request.uri.string : "/"
            response = Reply.redirect(next == "/" ? "/login" : "/login?next=\(Fields.encode(next))")
        } else {
            response = await page(for: problem, request, context)
        }
        if !allowed.isEmpty { response.headers[.allow] = allowed }
        if let wait = problem.retryAfter { response.headers[.retryAfter] = String(wait) }
        return response
    }

    private func page(for problem: ConsoleError, _ request: Request, _ context: ConsoleContext) async -> Response {
        var call = Call(
            method: request.method, target: request.uri.string, parameters: [:], query: Fields(),
            headers: request.headers, body: [], form: Fields(), address: context.address, identity: nil,
            now: parts.now())
        // Without an identity the page has no navigation, which is all that a failure here costs.
        call.identity = (try? await gate.identity(call, isAPI: false)) ?? nil
        return ErrorPage.render(problem, call, parts)
    }

    /// What any error means to who asked. Details of an unknown one stay in the log.
    static func problem(_ error: any Error) -> ConsoleError {
        switch error {
        case let error as ConsoleError: return error
        case let error as StoreError: return problem(error)
        case let error as HTTPError where error.status == .notFound:
            return ConsoleError(.notFound, "There is nothing at this address.")
        case let error as HTTPError where error.status == .contentTooLarge:
            return ConsoleError(.tooLarge, "The request is too large.")
        case let error as HTTPError where error.status.kind == .clientError:
            return ConsoleError(.invalid, error.body ?? "The request cannot be understood.")
        default:
            return ConsoleError(.internal, "Something went wrong here. The server's log says more.", cause: error)
        }
    }

    private static func problem(_ error: StoreError) -> ConsoleError {
        if let inner = error.cause as? ConsoleError { return inner }
        switch error.code {
        case .notFound: return ConsoleError(.notFound, error.message, cause: error)
        case .invalid: return ConsoleError(.invalid, error.message, cause: error)
        case .incomplete, .busy, .notRunning: return ConsoleError(.conflict, error.message, cause: error)
        case .full, .locked, .closed:
            return ConsoleError(.unavailable, "The store cannot be used now: \(error.message)", cause: error)
        default:
            return ConsoleError(.internal, "The store failed. The server's log says more.", cause: error)
        }
    }
}
