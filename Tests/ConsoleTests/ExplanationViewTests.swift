import AnnalsClient
import Console
import RESP
import Testing

struct ExplanationViewTests {
    private func explanation(_ why: RESPValue, of message: RESPValue = Sample.message(), on view: View = Sheet.file) throws -> String {
        view.explanation(why, of: try AnnalsClient.Message(message))
    }

    private func why(floor: RESPValue = .null, decides: Bool = false, holds: [RESPValue] = [], policyPosition: RESPValue = 12) -> RESPValue
    {
        map([
            "policy": "180d", "policy-from": policyPosition.isNull ? "default" : "tenant", "policy-position": policyPosition,
            "policy-since": policyPosition.isNull ? .null : Sheet.moment, "locked": .boolean(!policyPosition.isNull), "floor": floor,
            "floor-from": floor.isNull ? .null : "system", "floor-position": floor.isNull ? .null : 3,
            "floor-since": floor.isNull ? .null : Sheet.moment, "floors-expiry": .boolean(decides), "holds": .array(holds),
        ])
    }

    private let hold = map(["hold": "court-17", "matter": "2018/17", "position": 44])

    @Test("where nobody has decided, the default decides")
    func byDefault() throws {
        let text = try explanation(why(policyPosition: .null))
        #expect(
            text == """
                Why
                  policy  180d, the default: nobody has decided another
                  floor   none
                  holds   none
                  so      it expires at 2018-08-02 04:05:06.789 UTC

                """)
    }

    @Test("a floor that is longer decides, and a hold keeps what has expired")
    func floorAndHold() throws {
        let expired = Sample.message(state: "expired", held: true)
        let answer = why(floor: "5y", decides: true, holds: [hold, hold])
        let wide = try explanation(answer, of: expired)
        #expect(
            wide == """
                Why
                  policy  180d, decided for the tenant by #12, since 2018-02-03 04:05:06.789 UTC, locked
                  floor   5y, decided for the system by #3, since 2018-02-03 04:05:06.789 UTC
                  holds   court-17, for the matter 2018/17, since #44; court-17, for the matter 2018/17, since #44
                  so      the floor is the longer of the two: it expired at 2018-08-02 04:05:06.789 UTC, but is not destroyed while a hold stands

                """)
        let narrow = try explanation(answer, of: expired, on: Sheet.narrow)
        #expect(
            narrow == """
                Why
                  policy  180d, decided for the tenant by #12, since
                          2018-02-03 04:05:06.789 UTC, locked
                  floor   5y, decided for the system by #3, since 2018-02-03
                          04:05:06.789 UTC
                  holds   court-17, for the matter 2018/17, since #44;
                          court-17, for the matter 2018/17, since #44
                  so      the floor is the longer of the two: it expired at
                          2018-08-02 04:05:06.789 UTC, but is not destroyed
                          while a hold stands

                """)
    }

    @Test("what is destroyed names its receipt")
    func purged() throws {
        let text = try explanation(why(), of: Sample.message(state: "purged", receipt: 17))
        #expect(text.hasSuffix("  so      it expired at 2018-08-02 04:05:06.789 UTC, and is destroyed, as receipt #17 says\n"))
    }

    @Test("what is kept for ever never expires")
    func forever() throws {
        var message = try AnnalsClient.Message(Sample.message())
        message.expires = nil
        #expect(Sheet.file.explanation(why(), of: message).hasSuffix("  so      it never expires\n"))
    }
}
