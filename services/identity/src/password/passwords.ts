import { hash, verify, type Options } from '@node-rs/argon2';
import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { Ids } from '#libs/database';
import { IdentityConfig } from '../identity.config.js';

/** Passwords as argon2id hashes. */
@Injectable()
export class Passwords implements OnApplicationBootstrap {
  private readonly options: Options;
  private nobodys: string;

  constructor(
    config: IdentityConfig,
    private readonly ids: Ids,
  ) {
    this.options = { memoryCost: config.passwordMemoryKib, timeCost: config.passwordPasses, parallelism: 1 };
  }

  async onApplicationBootstrap(): Promise<void> {
    this.nobodys = await this.hash(this.ids.secret());
  }

  hash(password: string): Promise<string> {
    return hash(password, this.options);
  }

  /** Takes as long for somebody without a password, or nobody at all, as for a wrong one. */
  async matches(password: string, stored: string | null | undefined): Promise<boolean> {
    const right = await verify(stored ?? this.nobodys, password);
    return right && !!stored;
  }
}
