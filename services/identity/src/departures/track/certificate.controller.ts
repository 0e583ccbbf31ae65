import { Controller } from '@nestjs/common';
import { Handles } from '#libs/broker';
import { departuresCertificate, type CallOf, type Certificate } from '#libs/contracts';
import { actorOf } from '../../audit/audit.js';
import { Occurrences } from '../../audit/occurrences.js';
import { Certificates } from './certificates.js';

@Controller()
export class CertificateController {
  constructor(
    private readonly certificates: Certificates,
    private readonly occurrences: Occurrences,
  ) {}

  @Handles(departuresCertificate)
  async get({ principal, params }: CallOf<typeof departuresCertificate>): Promise<Certificate> {
    const { accountId } = principal;
    const certificate = await this.certificates.of(accountId, params.id!);
    const { userId: subjectId } = certificate.payload;
    this.occurrences.record({ accountId, action: 'certificate.issued', ...actorOf(principal), subjectId });
    return certificate;
  }
}
