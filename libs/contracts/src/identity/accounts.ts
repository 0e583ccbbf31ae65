import { Email, Id, Moment, Nested, OneOf, Text, Whole } from '../fields.js';
import { operation } from '../operation.js';
import { PRESETS, type Preset } from '../policy.js';
import { MANAGERS } from '../principal.js';
import { Password, SignedIn } from './auth.js';

const REDACTION_LABELS = ['plain', 'with-id'] as const;
type RedactionLabel = (typeof REDACTION_LABELS)[number];

export class Seats {
  @Whole() total: number;
  @Whole({ about: 'Seats that active and invited users take. A revoked invitation frees the seat.' }) used: number;
  @Whole() free: number;
}

export class Account {
  @Id() id: string;
  @Text() name: string;
  @OneOf(PRESETS) preset: Preset;
  @Nested(() => Seats) seats: Seats;
  @Whole({ about: 'The minimum number of days between deactivation and deletion.' }) retentionDays: number;
  @OneOf(REDACTION_LABELS) redactionLabel: RedactionLabel;
  @Moment() createdAt: string;
}

export class NewOwner {
  @Text() name: string;
  @Email() email: string;
  @Password() password: string;
  @Text() staffId: string;
}

export class NewAccount {
  @Text() name: string;
  @OneOf(PRESETS, { optional: true, about: 'Default: `crm`.' }) preset?: Preset;
  @Whole({ min: 1, max: 1_000_000, optional: true, about: 'Default: 25.' }) seats?: number;
  @Nested(() => NewOwner) owner: NewOwner;
}

export class OpenedAccount extends SignedIn {
  @Nested(() => Account) account: Account;
}

export class AccountChange {
  @Text({ optional: true }) name?: string;
  @OneOf(PRESETS, { optional: true }) preset?: Preset;
  @Whole({ min: 1, max: 1_000_000, optional: true, about: 'Not fewer than the seats in use.' }) seats?: number;
  @Whole({ max: 36_500, optional: true }) retentionDays?: number;
  @OneOf(REDACTION_LABELS, { optional: true }) redactionLabel?: RedactionLabel;
}

export const accountsCreate = operation<OpenedAccount, NewAccount>({
  id: 'accounts.create',
  service: 'identity',
  method: 'POST',
  path: '/v1/accounts',
  summary: 'Open an account with its owner',
  body: NewAccount,
  answer: OpenedAccount,
  access: 'public',
  rateLimit: 'new-accounts',
});

export const accountGet = operation<Account>({
  id: 'account.get',
  service: 'identity',
  method: 'GET',
  access: 'signed-in',
  alsoCalledBy: ['messaging'],
  path: '/v1/account',
  summary: 'Read the account',
  answer: Account,
});

export const accountUpdate = operation<Account, AccountChange>({
  id: 'account.update',
  service: 'identity',
  method: 'PATCH',
  path: '/v1/account',
  summary: 'Change the account',
  body: AccountChange,
  answer: Account,
  access: MANAGERS,
  errors: ['conflict'],
});
