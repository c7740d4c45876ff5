import Testing

@testable import Translation

struct ModelListAliasTests {
    @Test func resolution() throws {
        let aliases = try ModelAliases(parsing: " gpt-4o = qwen3.7-plus, o3=qwen3.7-max:thinking ,\n,x/y:z=qwen-max,")
        #expect(aliases.names == ["gpt-4o", "o3", "x/y:z"])
        #expect(aliases.resolve("gpt-4o") == "qwen3.7-plus")
        #expect(aliases.resolve("gpt-4o:thinking") == "qwen3.7-plus:thinking")
        #expect(aliases.resolve("o3") == "qwen3.7-max:thinking")
        #expect(aliases.resolve("o3:no-think") == "qwen3.7-max:no-think")
        #expect(aliases.resolve("x/y:z") == "qwen-max")
        #expect(aliases.resolve("GPT-4o") == "GPT-4o")
        #expect(aliases.resolve("qwen3.7-plus:thinking") == "qwen3.7-plus:thinking")
        #expect(aliases.resolve("") == "")
        #expect(aliases.contains("o3") && !aliases.contains("qwen-max"))
        #expect(try ModelAliases(parsing: " ") == .none)
        #expect(ModelAliases.none.resolve("gpt-4o") == "gpt-4o")
    }

    @Test func aliasOfItsOwnSuffixIsAName() throws {
        let aliases = try ModelAliases(parsing: "fast:no-think=qwen-flash,fast=qwen-plus")
        #expect(aliases.resolve("fast:no-think") == "qwen-flash")
        #expect(aliases.resolve("fast:thinking") == "qwen-plus:thinking")
    }

    @Test(arguments: [
        ("gpt-4o", "'gpt-4o' has no '=': write alias=model"), ("a=b,=c", "'=c' names no alias: write alias=model"),
        ("a= ", "'a=' names no model: write alias=model"), ("a=b,a=c", "the alias 'a' is given twice"),
        ("a=b c", "the model in 'a=b c' holds a space, a control character or '='"),
        ("a=b=c", "the model in 'a=b=c' holds a space, a control character or '='"),
        ("a=a", "the alias 'a' stands for itself"), ("a=a:thinking", "the alias 'a' stands for itself"),
        ("a=b,b=c", "the alias 'a' stands for 'b', which is an alias too: name the model 'c'"),
        ("a=b:thinking,b=c", "the alias 'a' stands for 'b:thinking', which is an alias too: name the model 'c'"),
    ])
    func faults(_ text: String, _ message: String) {
        #expect { try ModelAliases(parsing: text) } throws: { "\($0)" == message }
    }

    @Test func limits() {
        let long = String(repeating: "n", count: 129)
        #expect(throws: ModelAliases.Fault.self) { try ModelAliases(parsing: "\(long)=a") }
        let many = (0...1_000).map { "a\($0)=m" }.joined(separator: ",")
        #expect(throws: ModelAliases.Fault.self) { try ModelAliases(parsing: many) }
    }
}
