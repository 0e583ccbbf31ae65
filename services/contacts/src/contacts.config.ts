import { Flag, Pattern, Whole } from '#libs/contracts';
import { ServiceConfig } from '#libs/platform';

export class ContactsConfig extends ServiceConfig {
  /** Encrypts the passwords of import sources in the database. With another one they can't be read any more. */
  @Pattern(/^\S{32,500}$/, 'a random secret of 32 characters at least, without blanks')
  contactsSecret: string;

  /** The secret that `contactsSecret` replaces, while what it has encrypted is encrypted anew. */
  @Pattern(/^\S{32,500}$/, 'the secret that was in use before, 32 characters at least', { optional: true })
  contactsSecretPrevious?: string;

  /** Import sources may lead to loopback, link-local and private addresses. For installations that trust all their users. */
  @Flag()
  importSourcesAllowPrivate: boolean = false;

  /** Largest file of contacts, in bytes; the gateway has the same limit for uploads. */
  @Whole({ min: 1_024 })
  importLimitBytes: number = 1024 ** 3;
}
