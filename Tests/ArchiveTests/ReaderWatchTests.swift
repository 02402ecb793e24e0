import Testing

@testable import Archive

@Suite("ReaderWatch")
struct ReaderWatchTests {
    private let reader = ReaderSighting(place: "2026-11-23.mdb", process: 7, transaction: 40)

    @Test("who is there at two looks hangs; his file's growth counts from the first one, and he is news once")
    func hangs() {
        var watch = ReaderWatch()
        #expect(watch.look([reader: 1000]) == [])
        #expect(watch.look([reader: 5000]) == [.init(sighting: reader, growthBytes: 4000, isNew: true)])
        #expect(watch.look([reader: 6000]) == [.init(sighting: reader, growthBytes: 5000, isNew: false)])
        #expect(watch.look([:]) == [])
        #expect(watch.look([reader: 7000]) == [])
    }

    @Test("who reads on, snapshot after snapshot, does not hang")
    func readsOn() {
        var watch = ReaderWatch()
        for transaction in 1...9 {
            #expect(watch.look([ReaderSighting(place: "a", process: 7, transaction: transaction): transaction * 1000]) == [])
        }
    }
}
