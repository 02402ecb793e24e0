package import NIOCore

/// Reads answers of either version out of the bytes that a server sent.
///
/// What is there is taken out of the buffer at once, and what is still missing is remembered: a large answer
/// that comes in many pieces costs no more than one that comes whole. Attributes are read and dropped.
///
/// Invariant: every aggregate on the stack waits for at least one more value.
package struct ReplyParser: Sendable {
    /// What a server may send. A client trusts its server, but not so far as to run out of memory.
    package struct Limits: Sendable, Equatable {
        /// Bytes of one string.
        package var bulkBytesMax = 64 << 20
        /// Bytes of a line: a simple string, an error, a number.
        package var lineBytesMax = 64 << 10
        /// Values of one aggregate; of a map, its pairs.
        package var elementsMax = 1 << 20
        /// Values of one answer, all in all.
        package var valuesMax = 4 << 20
        /// Bytes of one answer, all in all.
        package var frameBytesMax = 256 << 20
        /// Aggregates within each other.
        package var depthMax = 32

        package init() {}
    }

    private struct Aggregate: Sendable {
        let kind: ReplyToken.Kind
        var missing: Int
        var values: [RESPValue] = []
    }

    private let limits: Limits
    private var scanner: ReplyScanner
    private var stack: [Aggregate] = []
    private var frameBytes = 0
    private var frameValues = 0
    private var violation: ProtocolViolation?

    /// A parser at the beginning of a connection.
    package init(limits: Limits = Limits()) {
        self.limits = limits
        self.scanner = ReplyScanner(limits: limits)
    }

    /// Takes the next whole answer out of `buffer`; nil when it is not all there. After a violation every call throws it again.
    package mutating func next(from buffer: inout ByteBuffer) throws(ProtocolViolation) -> RESPValue? {
        if let violation { throw violation }
        do throws(ProtocolViolation) {
            return try assemble(from: &buffer)
        } catch {
            violation = error
            throw error
        }
    }

    private mutating func assemble(from buffer: inout ByteBuffer) throws(ProtocolViolation) -> RESPValue? {
        while true {
            let before = buffer.readableBytes
            let token = try scanner.next(from: &buffer)
            frameBytes += before - buffer.readableBytes
            if frameBytes > limits.frameBytesMax { throw .frameTooLong(bytesMax: limits.frameBytesMax) }
            guard let token else { return nil }
            frameValues += 1
            if frameValues > limits.valuesMax { throw .tooManyElements(max: limits.valuesMax) }
            guard let answer = try place(token) else { continue }
            frameBytes = 0
            frameValues = 0
            return answer
        }
    }
}

extension ReplyParser {
    /// Puts a token where it belongs. Returns the answer that it completes, if it does.
    private mutating func place(_ token: ReplyToken) throws(ProtocolViolation) -> RESPValue? {
        switch token {
        case .value(let value):
            return add(value)
        case .aggregate(let kind, let missing):
            guard stack.count < limits.depthMax else { throw .nestingTooDeep(max: limits.depthMax) }
            let aggregate = Aggregate(kind: kind, missing: missing)
            if missing == 0 { return finish(aggregate) }
            stack.append(aggregate)
            return nil
        }
    }

    private mutating func add(_ value: RESPValue) -> RESPValue? {
        guard let top = stack.indices.last else { return value }
        stack[top].values.append(value)
        stack[top].missing -= 1
        if stack[top].missing > 0 { return nil }
        return finish(stack.removeLast())
    }

    private mutating func finish(_ aggregate: Aggregate) -> RESPValue? {
        switch aggregate.kind {
        case .array: return add(.array(aggregate.values))
        case .set: return add(.set(aggregate.values))
        case .push: return add(.push(aggregate.values))
        case .map: return add(.map(RESPValue.pairs(of: aggregate.values)))
        case .attribute: return nil  // The value that it speaks of follows.
        }
    }
}
