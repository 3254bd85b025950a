// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Inventory

struct JavaProjectsTests {
    private static let root = """
        <project><groupId>com.example</groupId><artifactId>root</artifactId><version>2.0</version>
          <properties><slf4j>1.7.36</slf4j><text>1.9</text><prefix>commons</prefix></properties>
          <dependencyManagement><dependencies>
            <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-api</artifactId><version>${slf4j}</version></dependency>
            <dependency><groupId>org.apache.${prefix}</groupId><artifactId>commons-text</artifactId><version>${text}</version></dependency>
            <dependency><groupId>junit</groupId><artifactId>junit</artifactId><version>4.12</version><scope>test</scope></dependency>
          </dependencies></dependencyManagement>
        </project>
        """
    private static let middle = """
        <project><parent><groupId>com.example</groupId><artifactId>root</artifactId><version>2.0</version></parent>
          <artifactId>middle</artifactId><properties><text>1.10.0</text></properties></project>
        """
    private static let leaf = """
        <project><parent><groupId>com.example</groupId><artifactId>middle</artifactId><version>2.0</version></parent>
          <artifactId>leaf</artifactId><dependencies>
            <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-api</artifactId></dependency>
            <dependency><groupId>org.apache.commons</groupId><artifactId>commons-text</artifactId></dependency>
            <dependency><groupId>junit</groupId><artifactId>junit</artifactId></dependency>
            <dependency><groupId>com.example</groupId><artifactId>middle</artifactId><version>${project.version}</version></dependency>
            <dependency><groupId>no</groupId><artifactId>body</artifactId></dependency>
          </dependencies></project>
        """

    private func resolve(_ files: [(String, String)]) -> [String: [String]] {
        JavaProjects(files.map { (path: $0.0, bytes: Array($0.1.utf8)) }).packages.mapValues { found in
            found.map { "\($0.name) \($0.version)" + ($0.isDevelopment ? " dev" : "") }
        }
    }

    @Test func takesVersionsFromParents() {
        let found = resolve([("pom.xml", Self.root), ("a/pom.xml", Self.middle), ("a/b/pom.xml", Self.leaf)])
        #expect(found["pom.xml"] == nil && found["a/pom.xml"] == [])
        #expect(
            found["a/b/pom.xml"] == [
                "org.slf4j:slf4j-api 1.7.36", "org.apache.commons:commons-text 1.10.0", "junit:junit 4.12 dev",
                "com.example:middle 2.0",
            ])
    }

    /// A parent is who the file says it is, where it says: not whatever lies above.
    @Test func staysWithItsOwnParent() {
        #expect(resolve([("pom.xml", Self.root), ("a/pom.xml", Self.leaf)]).isEmpty)
        #expect(resolve([("pom.xml", Self.middle)]).isEmpty)
        let elsewhere = Self.middle.replacing(
            "</version></parent>", with: "</version><relativePath>../up</relativePath></parent>")
        #expect(resolve([("up/pom.xml", Self.root), ("a/pom.xml", elsewhere)]).keys.sorted() == ["a/pom.xml"])
        let nowhere = Self.middle.replacing("</version></parent>", with: "</version><relativePath/></parent>")
        #expect(resolve([("pom.xml", Self.root), ("a/pom.xml", nowhere)]).isEmpty)
    }

    @Test func outlivesCirclesAndNonsense() {
        func project(_ name: String, _ parent: String, _ path: String) -> String {
            "<project><parent><groupId>g</groupId><artifactId>\(parent)</artifactId><version>1</version><relativePath>\(path)</relativePath></parent><groupId>g</groupId><artifactId>\(name)</artifactId><version>${v}</version><properties><v>${v}</v></properties><dependencies><dependency><groupId>${v}</groupId><artifactId>a</artifactId></dependency></dependencies></project>"
        }
        let files = [
            ("a/pom.xml", project("a", "b", "../b")), ("b/pom.xml", project("b", "a", "../a")),
            ("c/pom.xml", project("c", "c", ".")), ("d/pom.xml", project("d", "a", "../../../a")),
            ("e/pom.xml", "<project"), ("f/pom.xml", project("f", "a", "/a")),
        ]
        #expect(resolve(files).keys.sorted() == ["a/pom.xml", "b/pom.xml"])
        // A hundred below each other: those near are looked at.
        let deep = (0..<100).map {
            ("\(String(repeating: "x/", count: $0))pom.xml", project("p\($0)", "p\($0 - 1)", ".."))
        }
        #expect(resolve(deep).count == 99)
    }

    @Test func outlivesDamage() {
        var random = SystemRandomNumberGenerator()
        let files = [("pom.xml", Self.root), ("a/pom.xml", Self.middle), ("a/b/pom.xml", Self.leaf)]
        for round in 0..<(MutationTests.rounds * 4) {
            let broken = files.map { file in
                (path: file.0, bytes: MutationTests.damaged(Array(file.1.utf8), round + file.0.count, &random))
            }
            _ = JavaProjects(broken).packages
        }
    }
}
