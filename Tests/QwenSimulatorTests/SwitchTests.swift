import Testing

@testable import QwenSimulator

/// The table of switches: what the help promises is what is taken.
@Suite struct SwitchTests {
    /// Values of the form that a switch names.
    private func examples(_ form: String) -> [String] {
        if form.contains("|") { return form.split(separator: "|").flatMap { examples(String($0)) } }
        switch form {
        case "N", "MS", "BYTES", "PERCENT", "SECONDS", "K": return ["200"]
        case "MS@K": return ["20@3"]
        case "A-B": return ["1-7", "5"]
        case "JSON": return [#"{"a":1}"#]
        default: return form.hasSuffix("@K") ? [String(form.dropLast()) + "3"] : [form]
        }
    }

    @Test func everyFormIsTaken() throws {
        for group in Switch.groups {
            for entry in group.switches {
                for example in examples(entry.form) where !(entry.name == "call" && example == "N") {
                    var behaviour = SimulatorBehaviour()
                    #expect(throws: Never.self, "\(entry.name)=\(example)") {
                        try behaviour.apply("\(entry.name)=\(example)")
                    }
                    #expect(behaviour.switches == ["\(entry.name)=\(example)"])
                }
                #expect(!entry.help.isEmpty)
            }
        }
    }

    @Test func namesAreUnique() {
        let names = Switch.groups.flatMap(\.switches).map(\.name)
        #expect(Set(names).count == names.count)
        #expect(Set(SimulatedError.all.map(\.name)).count == SimulatedError.all.count)
        #expect(Set(Scenario.all.map(\.name)).count == Scenario.all.count)
    }

    @Test(arguments: [
        ("chunks", "'chunks' is no switch"), ("color=red", "there is no switch 'color'"),
        ("eol=cr-lf", "'eol=cr-lf' can not be used"), ("delay=soon", "'delay=soon' can not be used"),
        ("split=7-1", "'split=7-1'"), ("split=0-3", "'split=0-3'"), ("fail=cut", "'fail=cut'"),
        ("error=bad", "'error=bad'"), ("quirk=clean,odd", "'quirk=clean,odd'"), ("scenario=none", "no scenario 'none'"),
        ("oauth.slow-down-status=500", "'oauth.slow-down-status=500'"), ("args-pieces=0", "'args-pieces=0'"),
    ])
    func unusableWordsAreNamed(_ word: String, _ message: String) {
        let error = #expect(throws: SwitchError.self) { _ = try SimulatorBehaviour("delay=1 \(word)") }
        #expect(error?.description.contains(message) == true)
    }

    @Test func messageTakesSwitchesOfAnswersOnly() {
        var chat = ChatBehaviour()
        chat.apply(message: "Please:\n chunks=7 delay=soon oauth.pending=3 quota=1 validate=off x=y 1=1 =")
        var expected = ChatBehaviour()
        expected.chunks = 7
        #expect(chat == expected)
    }

    @Test func keysTakeSwitchesOfCallsOnly() throws {
        var behaviour = SimulatorBehaviour()
        try behaviour.setKey("sk-a error=throttling quota=3")
        #expect(behaviour.keys["sk-a"]?.chat.error == "throttling")
        #expect(behaviour.keys["sk-a"]?.admission.quota == 3)
        #expect(behaviour.calls == CallBehaviour())
        #expect(throws: SwitchError.notOfCalls("validate")) { try behaviour.setKey("sk-b validate=off") }
        #expect(throws: SwitchError.self) { try behaviour.setKey("  ") }
    }

    @Test(arguments: Scenario.all.map(\.name)) func scenarioChangesSomething(_ name: String) throws {
        #expect(try SimulatorBehaviour("scenario=\(name)") != SimulatorBehaviour())
    }

    @Test func refusedShareIsAsAskedAndTheSameAgain() {
        var admission = AdmissionBehaviour()
        admission.refusedShare = 30
        let refused = (0..<10_000).filter { admission.refuses($0) }
        #expect((2800...3200).contains(refused.count))
        #expect(refused == (0..<10_000).filter { admission.refuses($0) })
        admission.seed = 2
        #expect(refused != (0..<10_000).filter { admission.refuses($0) })
        admission.refusedShare = 0
        #expect(!(0..<1000).contains { admission.refuses($0) })
        admission.refusedShare = 100
        #expect((0..<1000).allSatisfy { admission.refuses($0) })
    }
}
