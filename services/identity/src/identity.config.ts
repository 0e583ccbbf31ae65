import { Pattern, Whole } from '#libs/contracts';
import { ServiceConfig } from '#libs/platform';

export class IdentityConfig extends ServiceConfig {
  /** Seals the signing keys in the database. With another one the key in use can't be opened, and the service won't start. */
  @Pattern(/^\S{32,500}$/, 'a random secret of 32 characters at least, without blanks')
  leaverSecret: string;

  /** The secret that `leaverSecret` replaces, while what it has sealed is sealed anew. */
  @Pattern(/^\S{32,500}$/, 'the secret that was in use before, 32 characters at least', { optional: true })
  leaverSecretPrevious?: string;

  /** Memory that checking one password takes, in KiB. Less makes stolen hashes cheaper to guess. */
  @Whole({ min: 8, max: 1_048_576 })
  passwordMemoryKib: number = 19_456;

  @Whole({ min: 1, max: 20 })
  passwordPasses: number = 2;
}
