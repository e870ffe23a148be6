// Cuts what a worker or process prints into lines, of a bounded length each.
const MAX_LINE_CHARS = 4_096;

export class Lines {
  readonly #line: (text: string) => void;
  #rest = "";

  constructor(line: (text: string) => void) {
    this.#line = line;
  }

  push(text: string): void {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) this.#tell(line);
    while (this.#rest.length > MAX_LINE_CHARS) {
      this.#tell(this.#rest.slice(0, MAX_LINE_CHARS));
      this.#rest = this.#rest.slice(MAX_LINE_CHARS);
    }
  }

  end(): void {
    this.#tell(this.#rest);
    this.#rest = "";
  }

  #tell(line: string): void {
    if (line.trim() !== "") this.#line(line.slice(0, MAX_LINE_CHARS));
  }
}
