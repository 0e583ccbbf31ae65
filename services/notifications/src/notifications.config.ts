import { OneOf, Origin, Pattern, Text } from '#libs/contracts';
import { ServiceConfig } from '#libs/platform';

export class NotificationsConfig extends ServiceConfig {
  @Pattern(/^\S{32,500}$/, 'a random secret of at least 32 characters without spaces', {
    about:
      'Random, at least 32 characters: encrypts the mails that wait in the database. With a different secret they cannot be sent.',
  })
  notificationsSecret: string;

  @Pattern(/^\S{32,500}$/, 'the previous secret, at least 32 characters', {
    optional: true,
    about: 'The secret that `NOTIFICATIONS_SECRET` replaces, during [key rotation](OPERATIONS.md#key-rotation).',
  })
  notificationsSecretPrevious?: string;

  @Pattern(/^smtps?:\/\/\S+$/, 'the address of a mail server, like smtp://user:password@mail.example.com:587', {
    optional: true,
    about:
      'Address of the mail server, with user and password: `smtp://…` uses STARTTLS (port 587), `smtps://…` TLS (port 465). ' +
      'Special characters of user and password are percent-encoded. Without it, mails wait until they expire.',
  })
  smtpUrl?: string;

  @OneOf(['required', 'optional'], {
    about:
      '`optional` also sends without encryption if the mail server does not offer STARTTLS. Only for a server on the same host.',
  })
  smtpTls: 'required' | 'optional' = 'required';

  @Pattern(/-----BEGIN CERTIFICATE-----/, 'certificates in PEM format, with SMTP_CA_FILE those of a file', {
    optional: true,
    about:
      'Certificate of the CA of the mail server, in PEM format, if it is not a public one; usually a file, `SMTP_CA_FILE`.',
  })
  smtpCa?: string;

  @Pattern(
    /^([^<>\r\n"]{0,100} <[^\s<>@]+@[^\s<>@]+>|[^\s<>@]+@[^\s<>@]+)$/,
    'a sender, like Leaver <no-reply@example.com>',
    {
      optional: true,
      about:
        'The sender of all mails; required with `SMTP_URL`: an address, or a name and an address in angle brackets.',
    },
  )
  mailFrom?: string;

  @Origin({
    about:
      'Address at which people reach Leaver, without a path, like `https://leaver.example.com`. Links in mails start with it.',
  })
  publicUrl: string;

  @OneOf(['en'], { about: 'Language of the mails.' })
  mailLanguage = 'en' as const;

  @Text({ optional: true, about: 'Domain that signs the mails (DKIM). Needs `DKIM_SELECTOR` and `DKIM_KEY`.' })
  dkimDomain?: string;

  @Text({
    optional: true,
    about: 'Selector of the DKIM key: its public part is the TXT record `<selector>._domainkey.<domain>`.',
  })
  dkimSelector?: string;

  @Pattern(/-----BEGIN (RSA )?PRIVATE KEY-----/, 'a private key in PEM format, with DKIM_KEY_FILE that of a file', {
    optional: true,
    about: 'Private key that signs the mails, in PEM format; usually a file, `DKIM_KEY_FILE`.',
  })
  dkimKey?: string;
}
