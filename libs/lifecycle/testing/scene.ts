import { sql } from 'kysely';
import type {
  AppliedTransition,
  Receipt,
  ReceiptLine,
  ResolvedAction,
  ResolvedRules,
  TeamSuccessor,
  TeamWay,
  UserEvent,
} from '#libs/contracts';
import { actionsOn, choiceOf, countRows, preview, proof } from '#libs/lifecycle';
import type { Action, Asker, Db, Rows, Rule } from '#libs/lifecycle';
import type { Person, RuleBench } from './bench.js';
import type { RuleExample } from './example.js';
import { ForeseenReturn } from './foreseen-return.js';
import { overlap } from './overlap.js';

type Row = Record<string, unknown>;

export const SEVERAL = 3;
export const MANY = 25;
/** `MANY` exceeds this several times. */
const SMALL_BUDGET = { perPerson: 4, total: 1_000 };

/** A leaver with rows, and others whose rows must not change. */
export class Scene {
  leaver!: Person;
  successor!: Person;
  private others!: Person[];
  private team?: TeamSuccessor;

  constructor(
    readonly bench: RuleBench,
    readonly rule: Rule,
    readonly example: RuleExample,
    readonly transition: AppliedTransition,
    readonly action: Action,
  ) {}

  /** The number of rows that `set(SEVERAL)` creates; `many` is that of `set(MANY)`. */
  get several(): number {
    return this.example.single ? 1 : SEVERAL;
  }

  get many(): number {
    return this.example.single ? 1 : MANY;
  }

  /** A user of the same account who stays. */
  get colleague(): Person {
    return this.others[0]!;
  }

  async set(rows: number): Promise<this> {
    const { bench } = this;
    this.leaver = await bench.person({ profile: { isManager: this.example.manager ?? false } });
    this.successor = await bench.admin(this.leaver.accountId);
    const elsewhere = await bench.person();
    this.others = [await bench.person({ accountId: this.leaver.accountId }), elsewhere];
    const em = bench.em();
    const own = this.example.single ? Math.min(rows, 1) : rows;
    for (let n = 0; n < own; n++) await this.example.row(em, this.leaver, bench);
    // A rule may cover all rows of the leaver's account; then only rows of another account are not the leaver's.
    for (const other of this.ofPerson ? this.others : [elsewhere]) await this.example.row(em, other, bench);
    await em.flush();
    this.leaving = bench.leaving(this.leaver, this.transition, this.policy, {
      departure: { steps: [this.transition], wasManager: this.example.manager ?? false },
    });
    this.returning = bench.reactivation(this.leaver, 3, 'all');
    return this;
  }

  private leaving!: UserEvent;
  private returning!: UserEvent;
  /** The preview of the first reactivation. */
  private foreseen?: ForeseenReturn;

  private get ofPerson(): boolean {
    return this.rows.person !== null;
  }

  get rows(): Rows {
    return this.rule.rows.find((rows) => rows.part === this.example.part) ?? this.rule.rows[0]!;
  }

  get resolved(): ResolvedAction {
    const to = this.successor.userId;
    return {
      ...choiceOf(this.action),
      ...(this.action.needsSuccessor && (this.team ? { team: this.team } : { to })),
    };
  }

  /** Names a team of this many new users, and no rows yet, as the successor. */
  async nameTeam(size: number, by: TeamWay): Promise<Person[]> {
    const { bench, leaver } = this;
    this.team = { id: bench.ids.next(), by };
    const profile = { teamIds: [this.team.id] };
    const members: Person[] = [];
    while (members.length < size) members.push(await bench.person({ accountId: leaver.accountId, profile }));
    this.leaving.data.departure!.policy.rules = this.policy;
    return members;
  }

  /** The rows that name each of these users now. */
  async rowsNaming(people: readonly Person[]): Promise<Map<string, number>> {
    const { entity, person } = this.action.rows ?? this.rows;
    const { tableName, properties } = this.bench.orm.getMetadata().get(entity);
    const column = sql.ref(properties[person!]!.fieldNames[0]!);
    const { rows } = await sql<{ id: string; rows: number }>`
      select ${column} as id, count(*)::int as rows from ${sql.table(tableName)}
      where ${column} = any(${people.map(({ userId }) => userId)}::uuid[]) group by 1`.execute(this.db);
    return new Map(rows.map((row) => [row.id, row.rows]));
  }

  private get policy(): ResolvedRules {
    return { [this.rule.id]: { [this.transition]: this.resolved } };
  }

  get db(): Db {
    return this.bench.em().getKysely();
  }

  question(activeSince = 1) {
    const { accountId, userId } = this.leaver;
    const wasManager = this.example.manager ?? false;
    return { accountId, userId, steps: [this.transition], activeSince, wasManager, rules: this.policy };
  }

  async previewed(activeSince = 1): Promise<number> {
    const { rules, clock } = this.bench;
    const lines = await preview(this.db, rules, this.question(activeSince), clock.now());
    return lines.find((line) => this.isOwn(line))!.count;
  }

  /** A manager who stays. */
  get asker(): Asker {
    return { userId: this.successor.userId, roles: ['admin'] };
  }

  async applyDeparture(): Promise<ReceiptLine> {
    const receipts = await this.bench.processor.apply([this.leaving]);
    return this.line(receiptOf(receipts, this.leaving).rules);
  }

  /** The departure is then that of somebody under legal hold. */
  putUnderLegalHold(): void {
    const { data } = this.leaving;
    this.leaving = { ...this.leaving, data: { ...data, profile: { ...data.profile, legalHold: true } } };
  }

  async liftLegalHold(): Promise<void> {
    const { profile, seq, lifecycleVersion } = this.leaving.data;
    const lifted = { seq: seq + 1, lifecycleVersion, profile: { ...profile, legalHold: false } };
    await this.bench.processor.apply([this.bench.event('user.updated', this.leaver, lifted)]);
  }

  /** What the last receipt of the departure says of the rule. */
  latestLine(): ReceiptLine {
    return this.line(receiptOf(this.bench.receipts.all, this.leaving).rules);
  }

  /**
   * With everything brought back that can be. Undefined when there is nothing to tell.
   * @throws Error if the preview of the reactivation has said something else
   */
  async reactivate(): Promise<ReceiptLine | undefined> {
    this.foreseen ??= await ForeseenReturn.of(this.bench, this.returning, (line) => this.isOwn(line));
    const receipts = await this.bench.processor.apply([this.returning]);
    const line = this.lineAmong(receiptOf(receipts, this.returning).rules);
    if (!line || line.finishedAt) this.foreseen.compare(line);
    return line;
  }

  /** Applies the departure with a small budget: the first rows change, the others wait as a task. */
  leaveBeginning(): Promise<ReceiptLine> {
    return this.withSmallBudget(() => this.applyDeparture());
  }

  async leaveInChunks(): Promise<ReceiptLine> {
    const line = await this.leaveBeginning();
    return line.finishedAt ? line : this.line(await this.finished(this.leaving));
  }

  async reactivateInChunks(): Promise<ReceiptLine | undefined> {
    const line = await this.withSmallBudget(() => this.reactivate());
    if (!line || line.finishedAt) return line;
    const finished = this.line(await this.finished(this.returning));
    this.foreseen!.compare(finished);
    return finished;
  }

  private async withSmallBudget<T>(work: () => Promise<T>): Promise<T> {
    const { processor } = this.bench;
    const original = processor.budget;
    processor.budget = SMALL_BUDGET;
    try {
      return await work();
    } finally {
      processor.budget = original;
    }
  }

  private async finished(event: UserEvent): Promise<readonly ReceiptLine[]> {
    const { tasks, receipts } = this.bench;
    await sql`update task set chunk_rows = ${SMALL_BUDGET.perPerson}`.execute(this.db);
    await tasks.drain();
    const last = receiptOf(receipts.all, event);
    expect(last.status).toBe('completed');
    return last.rules;
  }

  /**
   * Assigns one of the rows to the colleague; its other columns get the values from before the departure.
   * @param before the rows before the departure
   * @returns the row's id
   */
  async reassignOne(before: readonly unknown[]): Promise<string> {
    const { entity, person } = this.action.rows ?? this.rows;
    const { tableName, properties } = this.bench.orm.getMetadata().get(entity);
    const column = properties[person!]!.fieldNames[0]!;
    const row = (before as Row[]).find((candidate) => candidate[column] === this.leaver.userId)!;
    const changed = Object.entries({ ...row, [column]: this.colleague.userId }).filter(([name]) => name !== 'id');
    const values = changed.map(([name, value]) => sql`${sql.ref(name)} = ${value}`);
    await sql`update ${sql.table(tableName)} set ${sql.join(values)} where id = ${row.id}`.execute(this.db);
    return row.id as string;
  }

  /** The number of the leaver's undo records. */
  async undoRecords(): Promise<number> {
    const { rows } = await sql`select 1 from undo where user_id = ${this.leaver.userId}`.execute(this.db);
    return rows.length;
  }

  /** The line of the rule. */
  line(lines: readonly ReceiptLine[]): ReceiptLine {
    return this.lineAmong(lines)!;
  }

  private lineAmong(lines: readonly ReceiptLine[]): ReceiptLine | undefined {
    return lines.find((line) => this.isOwn(line));
  }

  private isOwn({ rule, part }: { rule: string; part?: string }): boolean {
    return rule === this.rule.id && part === this.example.part;
  }

  /** Runs two transactions in a forced order; the first one has to lock the leaver. */
  overlap<A, B>(first: () => Promise<A>, second: () => Promise<B>) {
    const { adminUrl } = this.bench.database;
    return overlap({ adminUrl, row: 'directory where user_id = $1', id: this.leaver.userId }, first, second);
  }

  async remaining(lifecycleVersion = 2) {
    const { broken } = await proof(this.db, this.bench.rules, {
      users: [{ userId: this.leaver.userId, lifecycleVersion }],
    });
    return broken;
  }

  /** The number of rows that the delayed effect has not changed yet. */
  async pendingLater(): Promise<number> {
    const step = this.bench.rules.find(this.rule.id, this.example.part, this.transition, this.resolved);
    const declared = actionsOn(this.rule, this.transition).find((action) => action.name === this.action.name)!;
    const statements = step.part.laterStatements.get(declared) ?? step.part.statements;
    const leaver = { ...this.leaver, wasManager: false, leftAt: this.bench.clock.now() };
    return (await countRows(this.db, statements, this.action.later!.effect, [leaver])).get(this.leaver.userId) ?? 0;
  }

  async rowsOf({ accountId, userId }: Person): Promise<unknown[]> {
    return this.dump((row) => (row.account_id === undefined ? names(row, userId) : row.account_id === accountId));
  }

  async rowsOfOthers(): Promise<unknown[]> {
    const elsewhere = (row: Row) => row.account_id !== undefined && row.account_id !== this.leaver.accountId;
    return this.dump((row) => elsewhere(row) || this.others.some((other) => names(row, other.userId)));
  }

  /** The rule's rows and their marks, filtered. */
  private async dump(wanted: (row: Row) => boolean): Promise<unknown[]> {
    const { effect } = this.action;
    const entities = [this.rows.entity, ...(effect.kind === 'insert' ? [effect.into.entity] : [])];
    const found: Row[] = [];
    for (const entity of entities) {
      const { tableName } = this.bench.orm.getMetadata().get(entity);
      const { rows } = await sql<Row>`select * from ${sql.table(tableName)} order by 1, 2`.execute(this.db);
      found.push(...rows);
    }
    return found.filter(wanted);
  }
}

export const receiptOf = (receipts: readonly Receipt[], { data }: UserEvent): Receipt =>
  receipts.findLast(
    ({ userId, lifecycleVersion }) => userId === data.userId && lifecycleVersion === data.lifecycleVersion,
  )!;

const names = (row: Row, userId: string): boolean => Object.values(row).includes(userId);
