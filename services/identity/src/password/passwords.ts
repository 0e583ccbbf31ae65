import { hash, verify, type Options } from '@node-rs/argon2';
import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { Ids } from '#libs/database';
import { IdentityConfig } from '../identity.config.js';
import { PasswordQueue } from './password-queue.js';

/** Hashes passwords with argon2id and verifies them, a bounded number at once. */
@Injectable()
export class Passwords implements OnApplicationBootstrap {
  private readonly options: Options;
  private readonly queue: PasswordQueue;
  private dummyHash: string;

  constructor(
    config: IdentityConfig,
    private readonly ids: Ids,
  ) {
    this.options = { memoryCost: config.passwordMemoryKib, timeCost: config.passwordPasses, parallelism: 1 };
    this.queue = new PasswordQueue({ atOnce: config.passwordChecksAtOnce, waiting: config.passwordChecksWaiting });
  }

  async onApplicationBootstrap(): Promise<void> {
    this.dummyHash = await this.hash(this.ids.secret());
  }

  /** @throws Problem `service-unavailable` if too many passwords wait */
  hash(password: string): Promise<string> {
    return this.queue.run(() => hash(password, this.options));
  }

  /**
   * Takes the same time for a wrong password, a user without a password and an unknown user.
   * @throws Problem `service-unavailable` if too many passwords wait
   */
  async matches(password: string, stored: string | null | undefined): Promise<boolean> {
    const right = await this.queue.run(() => verify(stored ?? this.dummyHash, password));
    return right && !!stored;
  }
}
