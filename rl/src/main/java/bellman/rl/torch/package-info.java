/**
 * PyTorch's files: {@link bellman.rl.torch.TorchCheckpoint} is what a training there saves with
 * {@code torch.save}, read and written. {@code TorchFile} is the archive, {@code Unpickler} the
 * machine that reads its pickle and runs no code, {@code TorchWriter} the other direction. Depends
 * on {@code bellman.nn} alone. Read next: {@code bellman.rl.run}.
 */
package bellman.rl.torch;
