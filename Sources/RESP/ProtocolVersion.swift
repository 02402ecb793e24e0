/// Which RESP a connection speaks. Every connection begins with RESP2; `HELLO 3` changes it.
package enum ProtocolVersion: Int, Sendable, Equatable {
    case resp2 = 2
    case resp3 = 3
}
