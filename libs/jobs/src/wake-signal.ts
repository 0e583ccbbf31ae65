/** Lets one loop sleep until somebody wants something. A ring while it is busy is not lost: the next wait ends at once. */
export class WakeSignal {
  private woken = false;
  private open?: () => void;

  wake(): void {
    this.woken = true;
    this.open?.();
  }

  /** Resolves at the next ring, or after so many milliseconds. */
  async wait(milliseconds: number): Promise<void> {
    if (!this.woken) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, milliseconds);
        this.open = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.woken = false;
  }
}
