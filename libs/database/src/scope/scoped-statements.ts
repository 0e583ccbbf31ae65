/** The driver's method. With a text without parameters it may hold several statements. */
export type Query = (...args: unknown[]) => unknown;

interface Change<Settings> {
  statements: readonly string[];
  to: Settings;
}

const BEGINS = /^\s*(begin|start transaction)\b/i;
const ENDS = /^\s*(commit|rollback)\s*$/i;

/**
 * Runs the statements of a connection, and changes its settings with the next one: before a statement without parameters in
 * the same round trip. Until they are changed, no statement runs.
 */
export class ScopedStatements<Settings> {
  /** What the next statement has to change first. */
  private pending?: Change<Settings>;
  /** The change that the running transaction undoes if it is rolled back. */
  private revocable?: { change: Change<Settings>; from: Settings };

  /**
   * @param query the driver's method of this connection
   * @param settings what the connection has
   * @param explained translates the error of a change
   * @param close closes the connection. Kysely (0.29) never releases one whose transaction could not begin
   */
  constructor(
    private readonly query: Query,
    public settings: Settings,
    private readonly explained: (error: unknown) => unknown,
    private readonly close: () => void,
  ) {}

  /** Has the next statement change the settings. Without statements they stay as they are. */
  next(statements: readonly string[], to: Settings): void {
    this.pending = statements.length > 0 ? { statements, to } : undefined;
  }

  run(args: unknown[]): unknown {
    const [text, values] = args;
    const { pending } = this;
    if (!pending) return typeof text === 'string' && ENDS.test(text) ? this.end(args) : this.query(...args);
    const hasNone = values === undefined || (Array.isArray(values) && values.length === 0);
    if (typeof text === 'string' && args.length <= 2 && hasNone) return this.together(pending, text);
    if (typeof args.at(-1) === 'function') throw new TypeError('a statement with a callback cannot wait for its scope');
    return this.before(pending, args);
  }

  /** All of it is one transaction: if the statement fails, the settings have not changed either, and stay pending. */
  private async together(change: Change<Settings>, text: string): Promise<unknown> {
    const begins = BEGINS.test(text);
    const answer = this.changing(this.query([...change.statements, text].join('; ')));
    // The caller gets the error, too.
    if (begins) answer.catch(() => this.close());
    const results = (await answer) as unknown[];
    // The change is part of the transaction.
    if (begins) this.revocable = { change, from: this.settings };
    this.changed(change);
    const own = results.slice(change.statements.length);
    return own.length === 1 ? own[0] : own;
  }

  private async before(change: Change<Settings>, args: unknown[]): Promise<unknown> {
    await this.changing(this.query(change.statements.join('; ')));
    this.changed(change);
    return this.query(...args);
  }

  private async changing(answer: unknown): Promise<unknown> {
    try {
      return await answer;
    } catch (error) {
      throw this.explained(error);
    }
  }

  private changed({ to }: Change<Settings>): void {
    this.settings = to;
    this.pending = undefined;
  }

  private async end(args: unknown[]): Promise<unknown> {
    const { revocable } = this;
    this.revocable = undefined;
    // The commit of a failed transaction is answered with ROLLBACK.
    let committed = false;
    try {
      const result = (await this.query(...args)) as { command?: string };
      committed = result.command === 'COMMIT';
      return result;
    } finally {
      if (revocable && !committed) {
        this.settings = revocable.from;
        this.pending = revocable.change;
      }
    }
  }
}
