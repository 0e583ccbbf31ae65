import { Flag, OneOf, Origin, Pattern, Text, Whole } from '#libs/contracts';
import { ServiceConfig } from '#libs/platform';

export class IdentityConfig extends ServiceConfig {
  @Pattern(/^\S{32,500}$/, 'a random secret of 32 characters at least, without blanks', {
    about:
      'Random, at least 32 characters: encrypts the signing keys in the database and signs preview tokens. With a wrong one ' +
      'the service does not start.',
  })
  leaverSecret: string;

  @Pattern(/^\S{32,500}$/, 'the secret that was in use before, 32 characters at least', {
    optional: true,
    about: 'The secret that `LEAVER_SECRET` replaces, during [key rotation](OPERATIONS.md#key-rotation).',
  })
  leaverSecretPrevious?: string;

  @Origin({
    optional: true,
    about:
      'Address at which clients reach the API, without a path, like `https://leaver.example.com`: see ' +
      '[public address](#public-address).',
  })
  publicUrl?: string;

  @Whole({
    min: 8,
    max: 1_048_576,
    about: 'Memory that checking one password takes, in KiB; less makes stolen hashes cheaper to guess.',
  })
  passwordMemoryKib: number = 19_456;

  @Whole({ min: 1, max: 20, about: 'Passes over that memory, 1 to 20.' })
  passwordPasses: number = 2;

  /** The thread pool that they run in has four threads and also signs tokens. */
  @Whole({ min: 1, max: 64, about: 'Passwords that one process checks or hashes at once.' })
  passwordChecksAtOnce: number = 3;

  @Whole({ about: 'Passwords that may wait for it; further requests are answered with 503.' })
  passwordChecksWaiting: number = 100;

  @Whole({ min: 1, about: 'Mails to one mailbox in an hour, from all accounts together.' })
  mailsPerHour: number = 20;

  @Whole({ min: 1, about: 'Mails to one mailbox in a day, from all accounts together.' })
  mailsPerDay: number = 60;

  @OneOf(['mail', 'answer'], {
    about:
      '`answer` also shows the token of an invitation to the manager who invites, as `npm start` does. Only for development: ' +
      'the manager can then accept the invitation.',
  })
  invitationTokens: 'mail' | 'answer' = 'mail';

  @Whole({
    min: 1,
    max: 86_400,
    about:
      'Seconds between two publications of the signed heads of the audit trails. What is changed in the database before ' +
      'its head is published is not found out ([Audit trail](OPERATIONS.md#audit-trail)).',
  })
  auditHeadsSeconds: number = 300;

  @Text({
    optional: true,
    max: 4_000,
    about:
      'File to which the signed heads and the deletions of users are appended as well, on a volume that the database ' +
      'and the broker do not share. All replicas need the same file.',
  })
  auditAnchorFile?: string;

  @Flag({
    about:
      'Whether identity providers for single sign-on may have loopback, link-local and private addresses, and be without TLS. ' +
      'Enable only where all owners are trusted.',
  })
  ssoAllowPrivate: boolean = false;

  @Pattern(/^[0-9a-fA-F:.[\]]+(,[0-9a-fA-F:.[\]]+)*$/, 'addresses with an optional port, separated by commas', {
    optional: true,
    about:
      'DNS servers that are asked for the TXT records of email domains, like `10.0.0.53,10.0.1.53:5353`. Default: those of the ' +
      'operating system.',
  })
  ssoDnsServers?: string;
}
