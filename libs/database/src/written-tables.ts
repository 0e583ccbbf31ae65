import { Injectable } from '@nestjs/common';

/** The driver's method that runs a statement. */
interface Client {
  query: (...args: unknown[]) => unknown;
}

/** What the driver answers. */
interface Result {
  command?: string;
  rowCount?: number | null;
}

const BEGINS = /^\s*(?:begin|start transaction)\b/i;
const ENDS = /^\s*(?:commit|rollback)\s*$/i;
/** A statement that changes one table. */
const CHANGE = /^\s*(?:insert\s+into|update|delete\s+from)\s+(?:only\s+)?"?([a-z_]\w*)/i;
const WITH = /^\s*with\b/i;
/** The changes within a `with` statement. Does not match `for update`, `for no key update` or `do update`. */
const CHANGES = /\b(?:insert\s+into|delete\s+from|(?<!\b(?:for|key|do)\s+)update)\s+(?:only\s+)?"?([a-z_]\w*)/gi;

/**
 * Calls listeners after the commit of a transaction of this process that has written to their table. Nothing that makes work
 * for a worker has to think of waking it.
 */
@Injectable()
export class WrittenTables {
  private readonly listeners = new Map<string, Set<() => void>>();

  on(table: string, listener: () => void): void {
    const others = this.listeners.get(table);
    if (others) others.add(listener);
    else this.listeners.set(table, new Set([listener]));
  }

  /** Watches the statements of a connection. */
  watch(client: Client): void {
    const query = client.query.bind(client);
    /** The tables that the open transaction has written to. */
    let open: Set<string> | undefined;
    client.query = (...args) => {
      const text = textOf(args[0]);
      const answer = query(...args);
      if (!(answer instanceof Promise)) return answer;
      if (BEGINS.test(text)) open = new Set();
      if (ENDS.test(text)) {
        const written = open;
        open = undefined;
        // The commit of a failed transaction is answered with ROLLBACK.
        return answer.then((result: Result) => {
          if (written && result.command === 'COMMIT') this.announce(written);
          return result;
        });
      }
      const tables = this.tablesIn(text);
      if (tables.length === 0) return answer;
      return answer.then((result: Result) => {
        if (hasWritten(result)) {
          if (open) for (const table of tables) open.add(table);
          else this.announce(tables);
        }
        return result;
      });
    };
  }

  private announce(tables: Iterable<string>): void {
    for (const table of tables) for (const listener of this.listeners.get(table) ?? []) listener();
  }

  /** The tables with listeners that a statement changes. */
  private tablesIn(text: string): string[] {
    if (this.listeners.size === 0) return [];
    const change = CHANGE.exec(text);
    const names = change
      ? [change[1]!]
      : WITH.test(text)
        ? Array.from(text.matchAll(CHANGES), ([, name]) => name!)
        : [];
    return names.filter((name) => this.listeners.has(name));
  }
}

const textOf = (statement: unknown): string =>
  typeof statement === 'string' ? statement : ((statement as { text?: string } | undefined)?.text ?? '');

/** The count of a `select` says nothing about the changes in its `with` clause. */
const hasWritten = ({ command, rowCount }: Result): boolean => command === 'SELECT' || rowCount !== 0;
