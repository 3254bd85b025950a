// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Inventory

struct JavaTests {
    private func jar(_ files: [(String, String)]) -> [UInt8] {
        ZipBuilder.archive(files.map { ($0.0, Array($0.1.utf8)) })
    }

    private func properties(_ group: String, _ artifact: String, _ version: String) -> (String, String) {
        (
            "META-INF/maven/\(group)/\(artifact)/pom.properties",
            "# made by Maven\r\nversion=\(version)\r\ngroupId=\(group)\nartifactId = \(artifact)\n"
        )
    }

    private func show(_ packages: [FoundPackage]) -> [String] {
        packages.map { "\($0.name) \($0.version)" + ($0.innerPath.isEmpty ? "" : " in \($0.innerPath)") }
    }

    @Test func believesPomProperties() throws {
        let bytes = jar([
            ("META-INF/MANIFEST.MF", "Implementation-Version: 9\n"),
            properties("org.apache.logging.log4j", "log4j-core", "2.14.1"),
        ])
        for path in ["app/log4j-core-2.14.1.jar", "app/renamed.jar", "app/plugin.hpi"] {
            let found = try packages(in: bytes, path: path)
            #expect(show(found) == ["org.apache.logging.log4j:log4j-core 2.14.1"])
            #expect(found[0].sha1.isEmpty)
        }
    }

    @Test func listsShadedOnes() throws {
        let bytes = jar([
            (
                "META-INF/MANIFEST.MF",
                "Implementation-Title: app\nImplementation-Version: 1.0\nImplementation-Vendor-Id: com.example\n"
            ),
            properties("com.google.guava", "guava", "30.0-jre"), properties("org.yaml", "snakeyaml", "1.26"),
        ])
        #expect(
            try show(packages(in: bytes, path: "app-1.0.jar")) == [
                "com.google.guava:guava 30.0-jre", "org.yaml:snakeyaml 1.26", "com.example:app 1.0",
            ])
        // One may be the only one, and yet not the archive itself.
        let one = jar([
            ("META-INF/MANIFEST.MF", "Bundle-SymbolicName: com.google.inject\nBundle-Version: 4.2.3\n"),
            properties("cglib", "cglib", "3.2.12"),
        ])
        #expect(
            try show(packages(in: one, path: "guice-4.2.3.jar")) == [
                "cglib:cglib 3.2.12", "com.google.inject:guice 4.2.3",
            ])
        for path in ["guice.jar", "cglib-3.2.12.jar", "other-3.2.12.jar"] {
            #expect(try show(packages(in: one, path: path)) == ["cglib:cglib 3.2.12"])
        }
        #expect(
            try show(packages(in: bytes, path: "guava-30.0-jre.jar"))
                == ["com.google.guava:guava 30.0-jre", "org.yaml:snakeyaml 1.26"])
    }

    @Test(arguments: [
        ("xercesImpl-2.12.2.jar", "", "xerces:xercesImpl 2.12.2"),
        (
            "spring-core-5.3.9.jar", "Implementation-Title: spring-core\nImplementation-Version: 5.3.9\n",
            "org.springframework:spring-core 5.3.9"
        ),
        ("commons-io-2.20.0.jar", "", "commons-io:commons-io 2.20.0"),
        (
            "log4j-1.2-1.2.17.jar", "Bundle-SymbolicName: org.apache.log4j\nBundle-Version: 1.2.17\n",
            "log4j:log4j 1.2.17"
        ),
        (
            "thing-1.0.jar", "Bundle-SymbolicName: org.example.thing;singleton:=true\nBundle-Version: 1.0.0\n",
            "org.example:thing 1.0"
        ),
        (
            "app.jar",
            "Implementation-Title: tool\nImplementation-Version: 3.1\nImplementation-Vendor-Id: org.exa\n mple\n",
            "org.example:tool 3.1"
        ),
        (
            "commons-collections-3.2.2.jar", "Implementation-Vendor-Id: org.apache\n",
            "commons-collections:commons-collections 3.2.2"
        ),
        (
            "maven-core-3.8.7.jar", "Bundle-SymbolicName: org.apache.maven.core\n", "org.apache.maven:maven-core 3.8.7"
        ),
        ("ivy-2.5.0.jar", "Bundle-SymbolicName: org.apache.ivy\n", "org.apache.ivy:ivy 2.5.0"),
        ("c3p0-0.9.1.2.jar", "", "c3p0:c3p0 0.9.1.2"), ("c3p0-0.9.5.5.jar", "", "com.mchange:c3p0 0.9.5.5"),
        ("hibernate-core-6.1.0.jar", "", "org.hibernate.orm:hibernate-core 6.1.0"),
        ("py4j0.10.7.jar", "", "net.sf.py4j:py4j 0.10.7"), ("x1.2.jar", "", nil), ("1.2.3.jar", "", nil),
        ("a.1.2.3.jar", "", nil),
        ("groovy-2.5.0.jar", "", "org.codehaus.groovy:groovy 2.5.0"),
        ("commons-io-2.jar", "Implementation-Version: 2.20.0\n", "commons-io:commons-io 2.20.0"),
        ("commons-io-2.x.jar", "Implementation-Version: 2.20.0\n", "commons-io:commons-io 2.20.0"),
        ("commons-io-2.x.jar", "", "commons-io:commons-io 2.x"),
        ("app.jar", "Main-Class: X\n", nil), ("app.jar", "Implementation-Version: ${project.version}\n", nil),
    ])
    func guessesFromManifestAndName(path: String, manifest: String, expected: String?) throws {
        let found = try packages(in: jar([("META-INF/MANIFEST.MF", manifest), ("A.class", "x")]), path: path)
        #expect(show(found) == [expected].compactMap { $0 })
        if let first = found.first { #expect(first.sha1.count == 40) }
    }

    @Test func readsInnerArchives() throws {
        let inner = jar([properties("a", "b", "1")])
        let war = ZipBuilder.archive([
            ("WEB-INF/lib/b-1.jar", inner), ("WEB-INF/lib/broken.jar", Array("nothing".utf8)),
            ("WEB-INF/classes/META-INF/maven/c/d/pom.properties", Array("groupId=c\nartifactId=d\nversion=2".utf8)),
        ])
        let ear = ZipBuilder.archive([("app.war", war)])
        let error = try #require(failure(in: ear, path: "x.ear"))
        #expect(error.message.contains("x.ear: app.war!/WEB-INF/lib/broken.jar:"))
        #expect(show(error.found) == ["a:b 1 in app.war!/WEB-INF/lib/b-1.jar", "c:d 2 in app.war"])
    }

    @Test func stopsInTheDepth() throws {
        var bytes = jar([properties("a", "b", "1")])
        for _ in 0..<16 { bytes = ZipBuilder.archive([("x.jar", bytes)]) }
        #expect(try lines(packages(in: bytes, path: "x.jar")) == ["a:b 1"])
        for _ in 0..<84 { bytes = ZipBuilder.archive([("x.jar", bytes)]) }
        let error = try #require(failure(in: bytes, path: "x.jar"))
        #expect(error.code == .tooLarge && error.message.contains("more than 16 deep"))
    }

    @Test func takesPomWherePropertiesAreMissing() throws {
        let pom =
            "<?xml version='1.0'?><!DOCTYPE x [<!ENTITY e 'y'>]><project><parent><groupId>g</groupId><version>3</version></parent><artifactId>a</artifactId></project>"
        #expect(try lines(packages(in: jar([("META-INF/maven/g/a/pom.xml", pom)]), path: "a-3.jar")) == ["g:a 3"])
        #expect(try packages(in: jar([]), path: "empty.jar").isEmpty)
    }

    @Test func readsProjects() throws {
        let pom = """
            <project xmlns="http://maven.apache.org/POM/4.0.0">
              <groupId>com.example</groupId><artifactId>app</artifactId><version>1.0</version>
              <properties><jackson.version>2.18.2</jackson.version><x>${jackson.version}</x></properties>
              <dependencyManagement><dependencies>
                <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-api</artifactId><version>2.0.9</version></dependency>
              </dependencies></dependencyManagement>
              <dependencies>
                <dependency><groupId>com.fasterxml.jackson.core</groupId><artifactId>jackson-core</artifactId><version>${x}</version>
                  <exclusions><exclusion><groupId>no</groupId><artifactId>no</artifactId></exclusion></exclusions></dependency>
                <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-api</artifactId></dependency>
                <dependency><groupId>${project.groupId}</groupId><artifactId>lib&#45;a</artifactId><version>${project.version}</version></dependency>
                <dependency><groupId>junit</groupId><artifactId>junit</artifactId><version>4.13</version><scope>test</scope></dependency>
                <dependency><groupId>u</groupId><artifactId>u</artifactId><version>${unknown}</version></dependency>
                <dependency><groupId>r</groupId><artifactId>r</artifactId><version>[1,2)</version></dependency>
              </dependencies>
            </project>
            """
        let found = try packages(in: pom, path: "app/pom.xml")
        #expect(
            lines(found) == [
                "com.fasterxml.jackson.core:jackson-core 2.18.2", "org.slf4j:slf4j-api 2.0.9", "com.example:lib-a 1.0",
                "junit:junit 4.13",
            ])
        #expect(found.map(\.isDevelopment) == [false, false, false, true])
        let gradle =
            "# comment\ncom.a:b:1.0=compileClasspath,runtimeClasspath\ntest:t:2=testCompileClasspath\ntool:c:3=checkstyle,nohttp\nb:o:1.0=compileClasspath,checkstyle,default\nempty=annotationProcessor\n"
        let locked = try packages(in: gradle, path: "gradle.lockfile")
        #expect(lines(locked) == ["com.a:b 1.0", "test:t 2", "tool:c 3", "b:o 1.0"])
        #expect(locked.map(\.isDevelopment) == [false, true, true, false])
    }

    @Test(arguments: [
        ("<a>", "the file ends inside"), ("<a></b>", "closes what is not open"), ("<a b>", "expected an attribute"),
        ("<!-- ", "no end"),
        ("<a b=\"", "in quotes"), ("<![CDATA[", "no end"), ("<", "name of a tag"), ("<a/", "expected '>'"),
        (String(repeating: "<a>", count: 1000), "nested deeper"),
    ])
    func refusesBadXML(text: String, message: String) throws {
        #expect(try #require(failure(in: text, path: "pom.xml")).message.contains(message))
    }
}
