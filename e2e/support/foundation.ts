import type { Type } from '@nestjs/common';
import type { Class } from '#libs/contracts';
import { fingerprint, migrate, type Migrations } from '#libs/database';
import type { BaseConfig } from '#libs/platform';
import { Mailboxes, serviceKeys, testBroker, testDatabase, type TestBroker, type TestDatabase } from '#libs/test-kit';
import { accounts, ACCOUNTS } from '../../scripts/lib/nats-accounts.mjs';
import { passwordOwner, permissions, ruleOwner, subscriberOf } from '../../scripts/lib/nats-users.mjs';
import { AutomationsModule, migrations as automations } from '../../services/automations/src/automations.module.js';
import { ContactsConfig } from '../../services/contacts/src/contacts.config.js';
import { ContactsModule, migrations as contacts } from '../../services/contacts/src/contacts.module.js';
import { IdentityConfig } from '../../services/identity/src/identity.config.js';
import { IdentityModule, migrations as identity } from '../../services/identity/src/identity.module.js';
import { InsightsModule, migrations as insights } from '../../services/insights/src/insights.module.js';
import { IntegrationsConfig } from '../../services/integrations/src/integrations.config.js';
import { IntegrationsModule, migrations as integrations } from '../../services/integrations/src/integrations.module.js';
import { MessagingModule, migrations as messaging } from '../../services/messaging/src/messaging.module.js';
import { NotificationsConfig } from '../../services/notifications/src/notifications.config.js';
import {
  NotificationsModule,
  migrations as notifications,
} from '../../services/notifications/src/notifications.module.js';
import { TelephonyConfig } from '../../services/telephony/src/telephony.config.js';
import { TelephonyModule, migrations as telephony } from '../../services/telephony/src/telephony.module.js';

export interface Part {
  name: string;
  module: Type;
  migrations: Migrations;
  config?: Class<BaseConfig>;
  ownsStreams?: boolean;
  /** Default: true. */
  hasRules?: boolean;
}

/** The services that own data. */
export const PARTS: readonly Part[] = [
  { name: 'identity', module: IdentityModule, migrations: identity, config: IdentityConfig, ownsStreams: true },
  { name: 'contacts', module: ContactsModule, migrations: contacts, config: ContactsConfig },
  { name: 'messaging', module: MessagingModule, migrations: messaging },
  { name: 'telephony', module: TelephonyModule, migrations: telephony, config: TelephonyConfig },
  { name: 'automations', module: AutomationsModule, migrations: automations },
  { name: 'integrations', module: IntegrationsModule, migrations: integrations, config: IntegrationsConfig },
  { name: 'insights', module: InsightsModule, migrations: insights },
  {
    name: 'notifications',
    module: NotificationsModule,
    migrations: notifications,
    config: NotificationsConfig,
    hasRules: false,
  },
];

/** The services that take part in departures. */
export const PARTICIPANTS = PARTS.filter(({ hasRules = true }) => hasRules);

export const SECRETS = {
  LEAVER_SECRET: 'a-secret-for-tests-that-is-long-enough-for-anybody',
  INTEGRATIONS_SECRET: 'another-secret-for-tests-that-is-long-enough',
  CONTACTS_SECRET: 'one-more-secret-for-tests-that-is-long-enough',
  NOTIFICATIONS_SECRET: 'a-fourth-secret-for-tests-that-is-long-enough',
};

/**
 * As in development: the tests receive webhooks and run identity providers on this machine, and the demo data uses the tokens
 * of invitations.
 */
const DEVELOPMENT = { WEBHOOKS_ALLOW_PRIVATE: 'true', SSO_ALLOW_PRIVATE: 'true', INVITATION_TOKENS: 'answer' };

/** The broker user of a mail sender of release 0.1, as whom the recordings of `e2e/upgrade` are made. */
const MAILER = { account: ACCOUNTS.services, publish: [], subscribe: ['mail.requested'] };

/** The address in links, to which passkeys belong. */
export const PUBLIC_URL = 'https://leaver.example.com';

/** The settings of a service that sends its mails there. */
export const mailSettings = ({ sink }: Mailboxes) => ({
  SMTP_URL: sink.url,
  SMTP_TLS: 'optional',
  MAIL_FROM: 'Leaver <no-reply@leaver.example>',
  PUBLIC_URL,
});

/** The contents of databases and broker before the services start. */
export interface Contents {
  /** Fills the empty database of a service. The migrations run afterwards. */
  fillDatabase(service: string, ownerUrl: string): Promise<void>;
  /** Identifies what `fillDatabase` writes. */
  fingerprint(service: string): string;
  /** Fills the broker. @param url of the user `identity-streams` */
  fillBroker(url: string): Promise<void>;
  /** Settings for all services that replace the defaults: the secrets with which the contents are encrypted. */
  settings: Record<string, string>;
}

/** Databases and a broker for one test, with the permissions that `npm start` gives. */
export class Foundation {
  private constructor(
    readonly broker: TestBroker,
    readonly databases: ReadonlyMap<string, TestDatabase>,
    private readonly passwords: ReadonlyMap<string, string>,
    private readonly settings: Record<string, string>,
    /** Where all mails arrive. */
    readonly mailboxes: Mailboxes,
  ) {}

  /**
   * @param externalServices names of external services that may be onboarded later
   * @param subscribers names of programs that read events
   */
  static async lay(
    externalServices: readonly string[] = [],
    contents?: Contents,
    subscribers: readonly string[] = [],
  ): Promise<Foundation> {
    const users = brokerUsers(externalServices, subscribers);
    const [broker, mailboxes, ...databases] = await Promise.all([
      testBroker({ users, accounts }),
      Mailboxes.open(),
      ...PARTS.map((part) => databaseFor(part, contents)),
    ]);
    const foundation = new Foundation(
      broker,
      new Map(PARTS.map((part, index) => [part.name, databases[index]!])),
      new Map(users.map(({ name, password }) => [name, password])),
      { ...SECRETS, ...DEVELOPMENT, ...mailSettings(mailboxes), ...contents?.settings },
      mailboxes,
    );
    await contents?.fillBroker(foundation.brokerUrl('identity-streams'));
    return foundation;
  }

  /** The environment variables of the service. */
  env(name: string): Record<string, string> {
    const database = this.databases.get(name);
    return {
      NATS_URL: this.brokerUrl(name),
      ...serviceKeys(name),
      PORT: '0',
      LOG_LEVEL: process.env.E2E_LOG ?? 'silent',
      ...(database && { DATABASE_URL: database.url, ...this.settings }),
    };
  }

  /** The broker's URL with the user's name and password. */
  brokerUrl(user: string): string {
    const url = new URL(this.broker.url);
    url.username = user;
    url.password = this.passwords.get(user)!;
    return url.href;
  }

  async clear(): Promise<void> {
    await Promise.all([...this.databases.values()].map((database) => database.drop()));
    await this.mailboxes.close();
    await this.broker.stop();
  }
}

/** A service's database with its tables and `contents`. */
export function databaseFor({ name, migrations }: Part, contents?: Contents): Promise<TestDatabase> {
  return testDatabase({
    name,
    migrate: async (ownerUrl) => {
      await contents?.fillDatabase(name, ownerUrl);
      await migrate(ownerUrl, migrations);
    },
    fingerprint: `${contents?.fingerprint(name) ?? ''}${fingerprint(migrations)}`,
  });
}

/** The permissions of `npm start`, so that a missing one fails in the tests. */
function brokerUsers(externalServices: readonly string[], subscribers: readonly string[]) {
  const joining = Object.fromEntries(externalServices.map((name) => [name, ruleOwner(name)]));
  const reading = Object.fromEntries(subscribers.map((name) => [name, subscriberOf(name)]));
  return Object.entries({ ...permissions, ...joining, ...reading, mailer: MAILER }).map(([name, allowed]) => ({
    name,
    password: `${passwordOwner(name)}-password`,
    ...allowed,
  }));
}
