import JSON
import NIOCore

extension MessagesBlock {
    /// Writes the block as parts of a message's content.
    func write(into body: inout MessagesChatWriter, _ document: borrowing JSONDocument) {
        switch kind {
        case .text(let text): body.textPart(text, isMarked: isMarked, in: document)
        case .image(let image): write(image, into: &body, document)
        case .document(let file): write(file, into: &body, document)
        case .search(let search):
            beginText(into: &body)
            search.writePieces(into: &body, document)
            endText(isMarked: isMarked, into: &body)
        }
    }

    private func write(_ image: Image, into body: inout MessagesChatWriter, _ document: borrowing JSONDocument) {
        body.json.beginObject()
        body.json.member("type", .raw("\"image_url\""))
        body.json.key("image_url")
        body.json.beginObject()
        body.json.key("url")
        body.beginString()
        switch image {
        case .url(let url): body.piece(url, in: document)
        case .data(let data, let type):
            body.piece("data:")
            body.piece(type, in: document)
            body.piece(";base64,")
            body.piece(data, in: document)
        }
        body.endString()
        body.json.endObject()
        if isMarked { body.cacheMarker() }
        body.json.endObject()
    }

    private func write(_ file: File, into body: inout MessagesChatWriter, _ document: borrowing JSONDocument) {
        switch file.form {
        case .plainText:
            beginText(into: &body)
            writeHeading(of: file, into: &body, document)
            body.piece(file.data, in: document)
            endText(isMarked: isMarked, into: &body)
        case .pdf:
            if file.context != nil { writeHeadingPart(of: file, into: &body, document) }
            body.json.beginObject()
            body.json.member("type", .raw("\"file\""))
            body.json.key("file")
            body.json.beginObject()
            body.json.key("filename")
            body.beginString()
            if let title = file.title { body.piece(title, in: document) } else { body.piece("document.pdf") }
            body.endString()
            body.json.key("file_data")
            body.beginString()
            body.piece("data:application/pdf;base64,")
            body.piece(file.data, in: document)
            body.endString()
            body.json.endObject()
            if isMarked { body.cacheMarker() }
            body.json.endObject()
        case .blocks(let blocks):
            if file.title != nil || file.context != nil { writeHeadingPart(of: file, into: &body, document) }
            for (position, block) in blocks.enumerated() {
                let isLast = position == blocks.count - 1
                MessagesBlock(kind: block.kind, isMarked: block.isMarked || (isLast && isMarked))
                    .write(into: &body, document)
            }
        }
    }

    private init(kind: Kind, isMarked: Bool) {
        self.kind = kind
        self.isMarked = isMarked
    }

    private func beginText(into body: inout MessagesChatWriter) {
        body.json.beginObject()
        body.json.member("type", .raw("\"text\""))
        body.json.key("text")
        body.beginString()
    }

    private func endText(isMarked: Bool, into body: inout MessagesChatWriter) {
        body.endString()
        if isMarked { body.cacheMarker() }
        body.json.endObject()
    }

    /// Title and context of a document, each with an empty line behind it.
    private func writeHeading(
        of file: File, into body: inout MessagesChatWriter, _ document: borrowing JSONDocument
    ) {
        for text in [file.title, file.context] {
            guard let text else { continue }
            body.piece(text, in: document)
            body.piece(#"\n\n"#)
        }
    }

    private func writeHeadingPart(
        of file: File, into body: inout MessagesChatWriter, _ document: borrowing JSONDocument
    ) {
        beginText(into: &body)
        writeHeading(of: file, into: &body, document)
        endText(isMarked: false, into: &body)
    }
}
