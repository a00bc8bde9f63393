// Draws what clients were sent and tells what each then shows: cases on standard input, screens out.
import { readFileSync } from "node:fs";
import headless from "@xterm/headless";

const cases = JSON.parse(readFileSync(0, "utf8"));
const screens = [];
for (const deeds of cases) screens.push(await shown(deeds));
process.stdout.write(JSON.stringify(screens));

/** @param {[string, unknown][]} deeds */
async function shown(deeds) {
  const term = new headless.Terminal({ rows: 24, cols: 80, allowProposedApi: true });
  for (const [deed, value] of deeds) {
    if (deed === "write")
      await new Promise((done) => term.write(Buffer.from(String(value), "base64"), () => done(0)));
    if (deed === "reset") term.reset();
    if (deed === "resize") term.resize(value[1], value[0]);
  }
  const buffer = term.buffer.active;
  const rows = [];
  for (let row = 0; row < term.rows; row++)
    rows.push(cells(buffer.getLine(buffer.baseY + row), term.cols));
  return {
    rows,
    cursor: [buffer.cursorX, buffer.cursorY],
    isHidden: term._core.coreService.isCursorHidden,
    buffer: buffer.type,
    size: [term.rows, term.cols],
    modes: term.modes,
  };
}

/** @param {import("@xterm/headless").IBufferLine | undefined} line */
function cells(line, cols) {
  const found = [];
  for (let x = 0; line && x < cols; x++) {
    const cell = line.getCell(x);
    found.push([
      cell.getChars() || " ",
      cell.getWidth(),
      cell.getFgColor(),
      cell.getBgColor(),
      cell.isBold(),
      cell.isInverse(),
    ]);
  }
  return found;
}
