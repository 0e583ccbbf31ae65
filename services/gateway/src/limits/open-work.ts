import { Problem, type Principal } from '#libs/contracts';
import { Injectable } from '@nestjs/common';
import { GatewayConfig } from '../gateway.config.js';

/** What keeps a connection and work open for as long as the client likes. */
export type OpenKind = 'streams' | 'exports';

const RETRY_AFTER_S = 5;

/** Limits how many event streams and exports a person and an account have open at this gateway. */
@Injectable()
export class OpenWork {
  private readonly most: Record<OpenKind, { person: number; account: number }>;
  /** Open ones by kind and person or account. */
  private readonly open = new Map<string, number>();

  constructor(config: GatewayConfig) {
    this.most = {
      streams: { person: config.streamsPerPerson, account: config.streamsPerAccount },
      exports: { person: config.exportsPerPerson, account: config.exportsPerAccount },
    };
  }

  /**
   * @returns a function that ends it; calling it again has no effect
   * @throws Problem `too-many-requests`
   */
  begin(kind: OpenKind, { userId, accountId }: Principal): () => void {
    const places = [
      { key: `${kind} ${userId}`, most: this.most[kind].person },
      { key: `${kind} ${accountId}`, most: this.most[kind].account },
    ];
    if (places.some(({ key, most }) => (this.open.get(key) ?? 0) >= most))
      throw new Problem('too-many-requests', {
        detail: `Too many ${kind} are open. Close one of them.`,
        retryAfter: RETRY_AFTER_S,
      });
    for (const { key } of places) this.open.set(key, (this.open.get(key) ?? 0) + 1);
    let ended = false;
    return () => {
      if (ended) return;
      ended = true;
      for (const { key } of places) this.end(key);
    };
  }

  private end(key: string): void {
    const left = this.open.get(key)! - 1;
    if (left > 0) this.open.set(key, left);
    else this.open.delete(key);
  }
}
