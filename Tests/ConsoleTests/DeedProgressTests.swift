import Console
import RESP
import Testing

struct DeedProgressTests {
    private func status(_ state: String, _ partition: RESPValue = .null, done: Int, total: Int) -> RESPValue {
        map(["state": .simple(state), "partition": partition, "done": .integer(done), "total": .integer(total)])
    }

    @Test("a bar shows the phase and how far it is; what is left is reckoned for each phase")
    func phases() {
        var progress = DeedProgress()
        let first = progress.bar(status("evacuating", "2018-02-03", done: 1000, total: 4000), seconds: 5)
        #expect(first?.text(width: 80) == "███████░░░░░░░░░░░░░░░░░░░░░░░ 25%  evacuating 2018-02-03  1,000 of 4,000")
        let later = progress.bar(status("evacuating", "2018-02-03", done: 2000, total: 4000), seconds: 7)
        #expect(later?.text(width: 80).hasSuffix(" 50%  evacuating 2018-02-03  2,000 of 4,000  2 s left") == true)
        let next = progress.bar(status("reclaiming", "2018-02-03", done: 2000, total: 4000), seconds: 9)
        #expect(next?.text(width: 80).contains("left") == false)
    }

    @Test("a phase without a known end has no bar, and an idle daemon none at all")
    func endless() {
        var progress = DeedProgress()
        #expect(progress.bar(status("shredding", done: 0, total: 0), seconds: 0)?.text(width: 80) == "shredding")
        #expect(progress.bar(status("idle", done: 0, total: 0), seconds: 1) == nil)
        #expect(progress.bar(.simple("OK"), seconds: 2) == nil)
    }

    @Test("it fits any width")
    func anyWidth() {
        var progress = DeedProgress()
        let bar = progress.bar(status("compacting", "2018-02-03", done: 1, total: 3), seconds: 4)
        for width in 1...100 { #expect(DisplayWidth.of(bar?.text(width: width) ?? "") <= width) }
    }
}
