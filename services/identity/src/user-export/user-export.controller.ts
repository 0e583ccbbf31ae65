import { Controller } from '@nestjs/common';
import { Answers, Handles } from '#libs/broker';
import {
  exportChunk,
  exportsCreate,
  exportsDownload,
  exportsGet,
  type CallOf,
  type StartedExport,
  type UserExport,
} from '#libs/contracts';
import { UserExports } from './user-exports.js';

@Controller()
export class UserExportController {
  constructor(private readonly exports: UserExports) {}

  @Handles(exportsCreate)
  create({ principal, params }: CallOf<typeof exportsCreate>): Promise<StartedExport> {
    return this.exports.start(principal, params.id!);
  }

  @Handles(exportsGet)
  get({ principal, params }: CallOf<typeof exportsGet>): Promise<UserExport> {
    return this.exports.get(principal, params.id!);
  }

  @Handles(exportsDownload)
  download({ principal, params }: CallOf<typeof exportsDownload>): Promise<void> {
    return this.exports.open(principal, params.id!);
  }

  @Answers(exportChunk)
  chunk(request: Parameters<UserExports['chunk']>[0]): ReturnType<UserExports['chunk']> {
    return this.exports.chunk(request);
  }
}
