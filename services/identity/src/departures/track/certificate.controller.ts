import { Controller } from '@nestjs/common';
import { Handles } from '#libs/broker';
import { departuresCertificate, type CallOf, type Certificate } from '#libs/contracts';
import { Certificates } from './certificates.js';

@Controller()
export class CertificateController {
  constructor(private readonly certificates: Certificates) {}

  @Handles(departuresCertificate)
  get({ principal, params }: CallOf<typeof departuresCertificate>): Promise<Certificate> {
    return this.certificates.of(principal.accountId, params.id!);
  }
}
