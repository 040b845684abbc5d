package bellman.rl.torch;

import bellman.engine.io.Safetensors;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Reads a pickle (protocol 2 as {@code torch.save} writes, up to 5) that holds containers, numbers,
 * texts and tensors, and nothing else.
 *
 * <p>A pickle is a program for a stack machine, and Python's machine calls whatever function the
 * program names. This one knows a closed list of names and calls nothing: they stand for a few
 * lines below. Every other name is refused, and so is every instruction that could make an object
 * of a class. Values become {@code Map}, {@code List}, {@link Tuple}, {@code String}, {@code Long},
 * {@code Double}, {@code Boolean}, {@code null} and {@link TorchTensor}. They may be shared, nested
 * to any depth and hold themselves, so nobody may walk them by recursion; here, too, nothing does.
 */
final class Unpickler {
  /** A Python tuple. */
  record Tuple(List<Object> items) {}

  /** A name that may stand in the file. */
  private record Global(String name) {}

  private static final int MOST_OPCODES = 1_000_000;
  private static final int MOST_OPEN = 100;
  private static final int LONGEST_NAME = 200;

  private static final String ORDERED_DICT = "collections.OrderedDict";
  private static final String TENSOR = "torch._utils._rebuild_tensor_v2";
  private static final String PARAMETER = "torch._utils._rebuild_parameter";
  private static final String SIZE = "torch.Size";
  private static final Set<String> FUNCTIONS = Set.of(ORDERED_DICT, TENSOR, PARAMETER, SIZE);

  private static final Map<String, Safetensors.Type> STORAGES =
      Map.of(
          "torch.FloatStorage", Safetensors.Type.F32,
          "torch.DoubleStorage", Safetensors.Type.F64,
          "torch.HalfStorage", Safetensors.Type.F16,
          "torch.BFloat16Storage", Safetensors.Type.BF16,
          "torch.LongStorage", Safetensors.Type.I64,
          "torch.IntStorage", Safetensors.Type.I32,
          "torch.ShortStorage", Safetensors.Type.I16,
          "torch.CharStorage", Safetensors.Type.I8,
          "torch.ByteStorage", Safetensors.Type.U8,
          "torch.BoolStorage", Safetensors.Type.BOOL);

  /** Instructions that make or call what they name. */
  private static final Map<Integer, String> HOSTILE =
      Map.of(
          (int) 'o',
          "OBJ",
          0x81,
          "NEWOBJ",
          0x92,
          "NEWOBJ_EX",
          0x82,
          "EXT1",
          0x83,
          "EXT2",
          0x84,
          "EXT4");

  private final TorchFile file;
  private final ByteBuffer in;
  private final List<Object> stack = new ArrayList<>();
  private final List<Integer> marks = new ArrayList<>(); // stack sizes
  private final Map<Integer, Object> memo = new HashMap<>();
  private int at; // of the current instruction

  Unpickler(TorchFile file, byte[] pickle) {
    this.file = file;
    this.in = ByteBuffer.wrap(pickle).order(ByteOrder.LITTLE_ENDIAN);
  }

  /** Runs the program to its end and returns what it leaves. */
  Object load() throws TorchException {
    for (int count = 0; count < MOST_OPCODES; count++) {
      at = in.position();
      int opcode = unsigned1();
      if (opcode == '.') { // STOP
        Object result = pop();
        if (!stack.isEmpty() || !marks.isEmpty()) {
          throw wrong("it ends with values left over");
        }
        return result;
      }
      execute(opcode);
    }
    throw wrong("it has more than %,d instructions".formatted(MOST_OPCODES));
  }

  private void execute(int opcode) throws TorchException {
    switch (opcode) {
      case 0x80 -> protocol(unsigned1()); // PROTO
      case 0x95 -> skip(8); // FRAME
      case '(' -> mark();
      case '}' -> push(new LinkedHashMap<Object, Object>()); // EMPTY_DICT
      case ']' -> push(new ArrayList<Object>()); // EMPTY_LIST
      case ')' -> push(new Tuple(List.of())); // EMPTY_TUPLE
      case 't' -> push(new Tuple(popToMark())); // TUPLE
      case 0x85 -> push(new Tuple(pop(1))); // TUPLE1
      case 0x86 -> push(new Tuple(pop(2)));
      case 0x87 -> push(new Tuple(pop(3)));
      case 'N' -> push(null); // NONE
      case 0x88 -> push(true); // NEWTRUE
      case 0x89 -> push(false); // NEWFALSE
      case 'K' -> push((long) unsigned1()); // BININT1
      case 'M' -> push((long) need(2).getShort() & 0xffff); // BININT2
      case 'J' -> push((long) need(4).getInt()); // BININT
      case 0x8a -> push(number(unsigned1())); // LONG1
      case 'G' -> push(big(need(8).getLong())); // BINFLOAT
      case 'X' -> push(text(need(4).getInt())); // BINUNICODE
      case 0x8c -> push(text(unsigned1())); // SHORT_BINUNICODE
      case 'q' -> memo.put(unsigned1(), top()); // BINPUT
      case 'r' -> memo.put(need(4).getInt(), top()); // LONG_BINPUT
      case 0x94 -> memo.put(memo.size(), top()); // MEMOIZE
      case 'h' -> push(remembered(unsigned1())); // BINGET
      case 'j' -> push(remembered(need(4).getInt())); // LONG_BINGET
      case 's' -> setItems(pop(2)); // SETITEM
      case 'u' -> setItems(popToMark()); // SETITEMS
      case 'a' -> append(pop(1)); // APPEND
      case 'e' -> append(popToMark()); // APPENDS
      case 'c' -> push(global("GLOBAL", line(), line()));
      case 0x93 -> stackGlobal(pop(2)); // STACK_GLOBAL
      case 'i' -> throw hostile("INST makes " + line() + "." + line());
      case 'R' -> reduce(pop(2)); // REDUCE
      case 'Q' -> push(storage(pop())); // BINPERSID
      case 'b' -> build(pop()); // BUILD
      default -> {
        String name = HOSTILE.get(opcode);
        throw name != null
            ? hostile(name + " makes objects of any class")
            : wrong("its instruction 0x%02x is none that torch.save uses".formatted(opcode));
      }
    }
  }

  // ── stack ─────────────────────────────────────────────────────────────────────────────────────

  private void push(Object value) {
    stack.add(value);
  }

  private Object pop() throws TorchException {
    return pop(1).get(0);
  }

  private Object top() throws TorchException {
    check(1);
    return stack.get(stack.size() - 1);
  }

  private List<Object> pop(int count) throws TorchException {
    check(count);
    return popTo(stack.size() - count);
  }

  private void check(int count) throws TorchException {
    int floor = marks.isEmpty() ? 0 : marks.get(marks.size() - 1);
    if (stack.size() - count < floor) {
      throw wrong("its instruction takes %d values where there are fewer".formatted(count));
    }
  }

  private void mark() throws TorchException {
    if (marks.size() == MOST_OPEN) {
      throw wrong("its values are nested more than %d deep".formatted(MOST_OPEN));
    }
    marks.add(stack.size());
  }

  private List<Object> popToMark() throws TorchException {
    if (marks.isEmpty()) {
      throw wrong("its instruction takes the values from a mark on, and there is none");
    }
    return popTo(marks.remove(marks.size() - 1));
  }

  private List<Object> popTo(int size) {
    List<Object> tail = stack.subList(size, stack.size());
    List<Object> popped = Collections.unmodifiableList(new ArrayList<>(tail));
    tail.clear();
    return popped;
  }

  private Object remembered(int index) throws TorchException {
    if (!memo.containsKey(index)) {
      throw wrong("it recalls value %s, which it never noted".formatted(index & 0xffffffffL));
    }
    return memo.get(index);
  }

  // ── containers ────────────────────────────────────────────────────────────────────────────────

  @SuppressWarnings("unchecked") // every map on the stack was made here
  private void setItems(List<Object> items) throws TorchException {
    if (!(top() instanceof Map<?, ?> map) || items.size() % 2 != 0) {
      throw wrong("it sets items of what is no dict");
    }
    for (int i = 0; i < items.size(); i += 2) {
      Object key = items.get(i);
      if (!(key instanceof String || key instanceof Long)) { // others may take for ever to hash
        throw wrong("it has a dict with keys that are neither texts nor whole numbers");
      }
      ((Map<Object, Object>) map).put(key, items.get(i + 1));
    }
  }

  @SuppressWarnings("unchecked") // every list on the stack was made here
  private void append(List<Object> items) throws TorchException {
    if (!(top() instanceof List<?> list)) {
      throw wrong("it appends to what is no list");
    }
    ((List<Object>) list).addAll(items);
  }

  /** An OrderedDict has attributes: a state_dict's are the versions of its modules. */
  private void build(Object state) throws TorchException {
    if (!(top() instanceof Map && state instanceof Map)) {
      throw hostile("BUILD sets the state of an object");
    }
  }

  // ── names and calls ───────────────────────────────────────────────────────────────────────────

  private void stackGlobal(List<Object> names) throws TorchException {
    if (!(names.get(0) instanceof String module && names.get(1) instanceof String name)) {
      throw wrong("STACK_GLOBAL takes two texts");
    }
    push(global("STACK_GLOBAL", module, name));
  }

  private Global global(String opcode, String module, String name) throws TorchException {
    String full = module + "." + name;
    if (!FUNCTIONS.contains(full) && !STORAGES.containsKey(full)) {
      throw hostile(opcode + " names " + full);
    }
    return new Global(full);
  }

  private void reduce(List<Object> call) throws TorchException {
    if (!(call.get(0) instanceof Global f && call.get(1) instanceof Tuple arguments)) {
      throw hostile("REDUCE calls what is no function");
    }
    List<Object> given = arguments.items();
    switch (f.name) {
      case ORDERED_DICT -> {
        if (!given.isEmpty()) {
          throw wrong("it calls " + ORDERED_DICT + " with arguments");
        }
        push(new LinkedHashMap<Object, Object>());
      }
      case TENSOR -> push(tensor(given));
      case PARAMETER -> {
        if (given.isEmpty() || !(given.get(0) instanceof TorchTensor tensor)) {
          throw wrong("it calls " + PARAMETER + " without a tensor");
        }
        push(tensor);
      }
      case SIZE -> {
        if (given.size() != 1 || !(given.get(0) instanceof Tuple sizes)) {
          throw wrong("it calls " + SIZE + " without a tuple");
        }
        push(sizes);
      }
      default -> throw hostile("REDUCE calls " + f.name);
    }
  }

  /** (storage, offset, shape, strides, requires_grad, hooks[, metadata]); hooks are left out. */
  private TorchTensor tensor(List<Object> given) throws TorchException {
    boolean sound =
        (given.size() == 6 || given.size() == 7)
            && given.get(0) instanceof TorchTensor.Storage
            && given.get(1) instanceof Long
            && given.get(2) instanceof Tuple
            && given.get(3) instanceof Tuple;
    if (!sound) {
      throw wrong("it calls " + TENSOR + " with other arguments than a tensor has");
    }
    Object metadata = given.size() == 7 ? given.get(6) : null;
    if (metadata != null && !(metadata instanceof Map<?, ?> m && m.isEmpty())) {
      throw wrong("it holds a lazily negated or conjugated tensor; save its .clone() instead");
    }
    return file.tensor(
        (TorchTensor.Storage) given.get(0),
        (Long) given.get(1),
        numbers((Tuple) given.get(2)),
        numbers((Tuple) given.get(3)));
  }

  /** ("storage", type, key, device, elements). */
  private TorchTensor.Storage storage(Object id) throws TorchException {
    boolean sound =
        id instanceof Tuple t
            && t.items.size() == 5
            && "storage".equals(t.items.get(0))
            && t.items.get(1) instanceof Global type
            && STORAGES.containsKey(type.name)
            && t.items.get(2) instanceof String
            && t.items.get(4) instanceof Long;
    if (!sound) {
      throw wrong("BINPERSID names something else than a tensor's storage");
    }
    List<Object> items = ((Tuple) id).items;
    return file.storage(
        (String) items.get(2), STORAGES.get(((Global) items.get(1)).name), (Long) items.get(4));
  }

  private long[] numbers(Tuple tuple) throws TorchException {
    long[] numbers = new long[tuple.items.size()];
    for (int i = 0; i < numbers.length; i++) {
      if (!(tuple.items.get(i) instanceof Long n)) {
        throw wrong("it has a tensor whose sizes are no whole numbers");
      }
      numbers[i] = n;
    }
    return numbers;
  }

  // ── bytes ─────────────────────────────────────────────────────────────────────────────────────

  private void protocol(int version) throws TorchException {
    if (version < 2 || version > 5) {
      throw wrong("it is of protocol %d; 2 to 5 are read".formatted(version));
    }
  }

  private ByteBuffer need(int bytes) throws TorchException {
    if (bytes < 0 || bytes > in.remaining()) {
      throw wrong(
          "it is cut off: %s bytes are stated, %,d follow"
              .formatted(Integer.toUnsignedString(bytes), in.remaining()));
    }
    return in;
  }

  private void skip(int bytes) throws TorchException {
    need(bytes).position(in.position() + bytes);
  }

  private int unsigned1() throws TorchException {
    return need(1).get() & 0xff;
  }

  private static double big(long littleEndian) {
    return Double.longBitsToDouble(Long.reverseBytes(littleEndian));
  }

  /** Two's complement, little-endian. */
  private long number(int bytes) throws TorchException {
    if (bytes > Long.BYTES) {
      throw wrong("it has a whole number of %d bytes; at most 8 are read".formatted(bytes));
    }
    need(bytes);
    long value = 0;
    for (int i = 0; i < bytes; i++) {
      value |= (in.get() & 0xffL) << 8 * i;
    }
    int unused = 8 * (Long.BYTES - bytes);
    return bytes == 0 ? 0 : value << unused >> unused;
  }

  private String text(int bytes) throws TorchException {
    ByteBuffer utf8 = need(bytes).slice(in.position(), bytes);
    skip(bytes);
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(utf8).toString();
    } catch (CharacterCodingException e) {
      throw wrong("it has a text that is not UTF-8");
    }
  }

  private String line() throws TorchException {
    int begin = in.position();
    while (unsigned1() != '\n') {
      if (in.position() - begin > LONGEST_NAME) {
        throw wrong("it has a name of more than %d bytes".formatted(LONGEST_NAME));
      }
    }
    return new String(in.array(), begin, in.position() - 1 - begin, StandardCharsets.ISO_8859_1);
  }

  // ── messages ──────────────────────────────────────────────────────────────────────────────────

  private TorchException wrong(String problem) {
    return file.wrong("data.pkl, byte " + at + ": " + problem);
  }

  private TorchException hostile(String what) {
    return wrong(
        TorchFile.shown(what)
            + "; only containers, numbers, texts and tensors are read, and nothing was run. Save"
            + " state_dict()s alone");
  }
}
