import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';

/** A person whose departure the test looks at. */
export interface Subject {
  /** The email of the account's owner, who decides about the person. */
  owner: string;
  userId: string;
  departureId: string;
}

/** What the test has to know about a recorded installation but cannot read from it. */
export interface Facts {
  version: string;
  /** Those that keep data. */
  services: string[];
  /** When the last service stopped. */
  takenAt: string;
  /** What columns are encrypted with, by environment variable. */
  secrets: Record<string, string>;
  /** The same for every user. */
  password: string;
  accounts: { preset: string; owner: string; departures: RecordedDeparture[] }[];
  access: {
    email: string;
    accessToken: string;
    refreshToken: string;
    apiToken: string;
    invitation: string;
    passwordReset: { email: string; token: string };
  };
  /** An access token of a user who has left since. It has not expired. */
  revokedToken: string;
  /** A call with an idempotency key. */
  repeated: {
    email: string;
    path: string;
    key: string;
    body: Record<string, unknown>;
    answer: Record<string, unknown>;
  };
  /** Telephony stopped before it answered. The number is to go to the successor. */
  unfinished: Subject & { numberId: string; successorId: string };
  /** As `unfinished`, but the event is only in the outbox: the broker has lost it. */
  unpublished: Subject;
  /** Automations retries them some minutes later: the whole event of the first, a single step of the second. */
  retrying: (Subject & { automationId: string })[];
  /** Automations has given up. */
  failed: Subject & { automationId: string };
  scheduled: Subject & { effectiveAt: string };
  /** `departureId` is the scheduled reactivation. */
  onLeave: Subject & { returnAt: string };
  /** A private email and a number have delayed effects. */
  delayed: Subject & { numberId: string; dueAt: string };
  /** As `delayed`, under a legal hold. */
  held: Subject & { dueAt: string };
  /** Has undo records. */
  restorable: Subject & { automationIds: string[]; contacts: number };
  certificates: (Subject & { jws: string })[];
  caretaker: { owner: string; userId: string; caretakerId: string };
  policy: { owner: string; overrides: Record<string, unknown> };
  bulk: { owner: string; id: string; counts: Record<string, number> };
  webhook: { owner: string; id: string; secret: string };
  importSource: { id: string; password: string };
  scim: { token: string; groupId: string; activeIds: string[]; deactivatedId: string; deletedId: string };
  /** People with rows of every rule who have not left yet. */
  newcomers: { preset: string; owner: string; userId: string; successorId: string }[];
}

export interface RecordedDeparture {
  id: string;
  userId: string;
  transition: string;
  status: string;
  /** Rows that the rules touched. */
  affected: number;
}

/** The files of one recorded version. */
export class RecordingFiles {
  constructor(private readonly version: string) {}

  async facts(): Promise<Facts> {
    return JSON.parse(await readFile(this.path('facts.json'), 'utf8')) as Facts;
  }

  /** The SQL of a service's database. */
  database = (service: string): Promise<string> => this.unpacked(`${service}.sql.gz`);

  /** The JSON of what the broker held. */
  broker = (): Promise<string> => this.unpacked('broker.json.gz');

  path = (name: string): string => fileURLToPath(new URL(`${this.version}/${name}`, import.meta.url));

  /** @returns bytes on disk */
  async writePacked(name: string, text: string): Promise<number> {
    const packed = await promisify(gzip)(text, { level: 9 });
    await writeFile(this.path(name), packed);
    return packed.length;
  }

  private async unpacked(name: string): Promise<string> {
    return (await promisify(gunzip)(await readFile(this.path(name)))).toString('utf8');
  }
}
