import { hash, verify, type Options } from '@node-rs/argon2';
import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { Ids } from '#libs/database';
import { IdentityConfig } from '../identity.config.js';

/** Hashes passwords with argon2id and verifies them. */
@Injectable()
export class Passwords implements OnApplicationBootstrap {
  private readonly options: Options;
  private dummyHash: string;

  constructor(
    config: IdentityConfig,
    private readonly ids: Ids,
  ) {
    this.options = { memoryCost: config.passwordMemoryKib, timeCost: config.passwordPasses, parallelism: 1 };
  }

  async onApplicationBootstrap(): Promise<void> {
    this.dummyHash = await this.hash(this.ids.secret());
  }

  hash(password: string): Promise<string> {
    return hash(password, this.options);
  }

  /** Takes the same time for a wrong password, a user without a password and an unknown user. */
  async matches(password: string, stored: string | null | undefined): Promise<boolean> {
    const right = await verify(stored ?? this.dummyHash, password);
    return right && !!stored;
  }
}
