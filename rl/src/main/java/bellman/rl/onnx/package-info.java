/**
 * Policies as ONNX models: {@link bellman.rl.onnx.OnnxWriter} writes what Unity's ML-Agents runs,
 * {@link bellman.rl.onnx.OnnxReader} makes a network of such a file again, and {@link
 * bellman.rl.onnx.ModelCheck} says what Unity would refuse. The messages of the format are
 * generated from {@code onnx.proto}; nothing outside this package sees them or protobuf. Depends on
 * nn and on the {@link bellman.rl.env.Signature} of a behavior. Read next: {@code
 * bellman.rl.observe}.
 */
package bellman.rl.onnx;
