import JSON
import NIOCore
import Testing

/// Random edits in random order, against the same edits of a tree.
@Suite struct JSONRandomEditingTests {
    private enum Operation {
        case replace(JSONNode, Tree)
        case rename(JSONNode, String)
        case remove(JSONNode, from: JSONNode)
        case prepend(Tree.Member, to: JSONNode)
        case append(Tree.Member, to: JSONNode)
        case insert(Tree, before: JSONNode, in: JSONNode)
    }

    /// What has been done to each node, in the order it was done.
    private struct Model {
        var replaced: [JSONNode: Tree] = [:]
        var renamed: [JSONNode: String] = [:]
        var removed: Set<JSONNode> = []
        var first: [JSONNode: [Tree.Member]] = [:]
        var last: [JSONNode: [Tree.Member]] = [:]
        var before: [JSONNode: [Tree]] = [:]

        func result(_ document: borrowing JSONDocument, _ node: JSONNode) -> Tree {
            if let tree = replaced[node] { return tree }
            switch document.kind(of: node) {
            case .object:
                var members = first[node] ?? []
                for member in document.members(of: node) where !removed.contains(member.value) {
                    let key = renamed[member.key] ?? String(buffer: document.text(of: member.key))
                    members.append(.init(key: key, value: result(document, member.value)))
                }
                return .object(members + (last[node] ?? []))
            case .array:
                var elements = (first[node] ?? []).map(\.value)
                for element in document.elements(of: node) {
                    elements += before[element] ?? []
                    if !removed.contains(element) { elements.append(result(document, element)) }
                }
                return .array(elements + (last[node] ?? []).map(\.value))
            default:
                return Tree(document, node)
            }
        }
    }

    @Test(arguments: 0..<60) func randomEditsGiveTheEditedTree(_ seed: UInt64) throws {
        var random = SplitMix(seed: seed)
        var document = JSONDocument()
        for _ in 0..<60 {
            let text = Tree(&random, depth: 4).text(&random)
            try document.scan(ByteBuffer(string: text))
            var operations: [Operation] = []
            plan(document, document.root, &random, &operations)
            operations.shuffle(using: &random)
            var model = Model()
            for operation in operations { perform(operation, &document, &model) }

            var output = ByteBuffer()
            try document.write(into: &output)
            let result = try scanned(output.readableBytesView)
            #expect(Tree(result, result.root) == model.result(document, document.root), "\(text)")
            if operations.isEmpty { #expect(String(buffer: output) == text) }
        }
    }

    /// Chooses edits for a value and what it holds; none inside of what goes.
    private func plan(
        _ document: borrowing JSONDocument, _ node: JSONNode, _ random: inout SplitMix, _ operations: inout [Operation]
    ) {
        if random.chance(10) { return operations.append(.replace(node, Tree(&random, depth: 2))) }
        let removal = random.pick([0, 0, 30, 70, 100])
        let kind = document.kind(of: node)
        guard kind == .object || kind == .array else { return }
        for _ in 0..<random.pick([0, 0, 1, 2]) { operations.append(.prepend(member(&random), to: node)) }
        for _ in 0..<random.pick([0, 0, 1, 2]) { operations.append(.append(member(&random), to: node)) }
        for member in document.members(of: node) {
            if random.chance(removal) {
                operations.append(.remove(member.value, from: node))
            } else {
                if random.chance(20) { operations.append(.rename(member.key, "new")) }
                plan(document, member.value, &random, &operations)
            }
        }
        for element in document.elements(of: node) {
            if random.chance(removal) {
                operations.append(.remove(element, from: node))
            } else {
                if random.chance(20) { operations.append(.insert(Tree(&random, depth: 1), before: element, in: node)) }
                plan(document, element, &random, &operations)
            }
        }
    }

    private func member(_ random: inout SplitMix) -> Tree.Member {
        .init(key: "\"added \(random.below(9))\"", value: Tree(&random, depth: 1))
    }

    private func perform(_ operation: Operation, _ document: inout JSONDocument, _ model: inout Model) {
        func fragment(_ tree: Tree) -> JSONFragment {
            var random = SplitMix(seed: 1)
            return .bytes(ByteBuffer(string: tree.text(&random)))
        }
        func name(_ member: Tree.Member) -> String { String(member.key.dropFirst().dropLast()) }
        switch operation {
        case .replace(let node, let tree):
            document.replace(node, with: fragment(tree))
            model.replaced[node] = tree
        case .rename(let key, let name):
            document.rename(key, to: name)
            model.renamed[key] = "\"\(name)\""
        case .remove(let node, let container):
            document.remove(node, from: container)
            model.removed.insert(node)
        case .prepend(let member, let container):
            if document.kind(of: container) == .object {
                document.prepend(name(member), fragment(member.value), to: container)
            } else {
                document.prepend(fragment(member.value), to: container)
            }
            model.first[container, default: []].append(member)
        case .append(let member, let container):
            if document.kind(of: container) == .object {
                document.append(name(member), fragment(member.value), to: container)
            } else {
                document.append(fragment(member.value), to: container)
            }
            model.last[container, default: []].append(member)
        case .insert(let tree, let element, let container):
            document.insert(fragment(tree), before: element, in: container)
            var elements = document.elements(of: container)
            if elements.next() == element {
                model.first[container, default: []].append(.init(key: "", value: tree))
            } else {
                model.before[element, default: []].append(tree)
            }
        }
    }
}
